"""Real files that were cut, or damaged in their headers, give data with a note or an error that names the file."""

from __future__ import annotations

import json
import random
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import lamella
from lamella.errors import LamellaError, LamellaWarning

pytestmark = pytest.mark.recorded

FORMATS = ("ser", "dm", "mrc", "empad", "tvips", "blo")
LARGEST = 4 << 20


def mains(samples: Path) -> Iterator[tuple[str, Path]]:
    """Give the main file of every sample that is small enough to be copied many times."""
    for described in sorted(samples.glob("*/*/sample.json")):
        facts = json.loads(described.read_text(encoding="utf-8"))
        name = facts.get("main") or next(iter(sorted(p.name for p in described.parent.glob("*.xml"))), None)
        if facts.get("format") in FORMATS and name and described.with_name(name).stat().st_size <= LARGEST:
            yield facts["format"], described.with_name(name)


def opened(format: str, path: Path) -> lamella.DataSet | None:
    """Open a file and read it; None where that is refused by a message that names it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LamellaWarning)
        ds, refusal = None, ""
        try:
            ds = lamella.open(path, format=format)
            ds.read(fill=0)
        except LamellaError as error:
            refusal = str(error)
    if ds is None or refusal:
        assert str(path.parent) in refusal
        return None
    for name in ds.info.per_frame:
        assert len(ds.per_frame(name)) == ds.source.n_frames
    json.dumps([ds.raw_metadata, ds.metadata.to_json()], allow_nan=False)
    return ds


def test_cut_files_open_as_far_as_they_go_with_a_note(samples: Path, tmp_path: Path) -> None:
    silent, opening = [], 0
    for number, (kind, main) in enumerate(mains(samples)):
        folder = shutil.copytree(main.parent, tmp_path / str(number))
        cut = folder / main.name
        if kind == "empad":
            cut = next(folder.glob("*.raw"))
        whole = opened(kind, folder / main.name)
        assert whole is not None
        content = cut.read_bytes()
        for share in (0.02, 0.3, 0.6, 0.9, 0.99):
            cut.write_bytes(content[: int(share * len(content))])
            ds = opened(kind, folder / main.name)
            opening += ds is not None
            if ds is not None and ds.source.n_frames < whole.source.n_frames and not ds.info.notes:
                silent.append(f"{main.name} cut to {share:.0%}")
    assert not silent
    assert opening > 20


def test_files_with_a_damaged_beginning_are_data_or_an_error(samples: Path, tmp_path: Path) -> None:
    chance = random.Random(8)
    for number, (kind, main) in enumerate(mains(samples)):
        folder = shutil.copytree(main.parent, tmp_path / str(number))
        content = main.read_bytes()
        for _ in range(10):
            damaged = bytearray(content)
            for _ in range(3):
                damaged[chance.randrange(min(1200, len(content)))] = chance.choice((0, 1, 127, 128, 255))
            (folder / main.name).write_bytes(damaged)
            opened(kind, folder / main.name)
