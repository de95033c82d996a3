"""Files of every format whose texts hold escape sequences and line breaks: nothing of them acts on a terminal."""

import re
import traceback
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import lamella
from lamella.cli import main
from lamella.errors import LamellaError
from lamella.plugins.entrypoints import named_entry_points
from lamella.plugins.registry import default_registry
from lamella_testkit.kit import Kit
from lamella_testkit.profiles import profile_named
from lamella_testkit.sample import Sample
from lamella_testkit.samplers import GROUP, sampler_named

ATTACKS = ("\x1b]8;;//e\x07", "\x9b2J\r\n#", "\u202egnp\u2066\n#")
"""A link, a C1 code and a forged line, bidi overrides and one; repeated to the wanted length."""

VARIANTS = 3
LARGE = 1 << 20
"""Size of a file of which one variant and one attack are enough [bytes]."""
SHORTEST, LONGEST = 4, 400
PAGE = 64 << 10
SINGLY = 4


def texts_of(value: object) -> Iterator[str]:
    """Give every text within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_of(key)
            yield from texts_of(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_of(item)


def shown_of(dataset: lamella.DataSet) -> list[object]:
    axes = [(axis.name, axis.units) for axis in dataset.axes]
    return [dataset.metadata.to_json(), dict(dataset.raw_metadata), list(dataset.info.notes), axes]


CARRY_TEXT = {"blo", "dm", "empad", "frms6", "k2is", "mib", "mrc", "seq", "ser", "tvips"}
"""Formats whose texts reach the data set as they are."""


def is_hostile(text: str) -> bool:
    return any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)


def assert_fit(text: str) -> None:
    assert not is_hostile(text.replace("\n", "")), ascii(text)
    assert not re.search("^#", text, re.MULTILINE), ascii(text)
    assert len(text.encode()) <= PAGE


def poison(folder: Path, text: str, attack: str) -> bool:
    """Put an attack of the same length in the place of a text, in whatever encoding the files have it."""
    found = False
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        content = file.read_bytes()
        for encoding in ("utf-8", "utf-16-le", "latin-1"):
            try:
                old = text.encode(encoding)
            except UnicodeEncodeError:
                continue
            new = (attack * len(old)).encode(encoding, "replace")[: len(old)]
            content = content.replace(old, new)
        if content != file.read_bytes():
            file.write_bytes(content)
            found = True
    return found


def poisoned(kit: Kit, sample: Sample, *, large: bool) -> Iterator[Sample]:
    """Give copies of a sample, each with attacks in its texts: all of them, and one after the other."""
    texts = sorted({t for t in texts_of(shown_of(kit.open(sample))) if SHORTEST <= len(t) <= LONGEST}, key=len)[::-1]
    for attack in ATTACKS[: 1 if large else None]:
        copy = kit.copy(sample)
        if [text for text in texts if poison(copy.directory, text, attack)]:
            yield copy
    for i, text in enumerate(texts[: 0 if large else SINGLY]):
        copy = kit.copy(sample)
        if poison(copy.directory, text, ATTACKS[i % len(ATTACKS)]):
            yield copy


def attempts(kit: Kit) -> Iterator[Sample]:
    for variant in kit.sampler.variants[:VARIANTS]:
        sample = kit.written(kit.data(variant=variant))
        large = sum(file.stat().st_size for file in sample.directory.rglob("*")) > LARGE
        yield from poisoned(kit, sample, large=large)
        if large:
            return


def arrived(kit: Kit, sample: Sample) -> bool:
    """Look at a file as users do; whether an attack came as far as the data set."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            dataset = lamella.Context().load(kit.spec.name, sample.target, **sample.keywords)
        except LamellaError as error:
            assert_fit("".join(traceback.format_exception_only(error)))
            told = "".join(traceback.format_exception(error))
            assert not is_hostile(told.replace("\n", "")), ascii(told)
            return False
        finally:
            for one in caught:
                assert_fit(str(one.message))
    assert_fit(repr(dataset))
    assert_fit(dataset._repr_html_())
    return any(is_hostile(text) for text in texts_of(shown_of(dataset)))


def formats() -> list[str]:
    names = [name for name in sorted(named_entry_points(GROUP)) if name in default_registry().names()]
    return [name for name in names if default_registry().get(name).spec.target == "path"]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", formats())
def test_no_text_of_a_file_acts_on_a_terminal(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = default_registry().get(name).spec
    assert spec is not None
    kit = Kit(spec, sampler_named(name)(), profile=profile_named("dev"), workdir=tmp_path / "kit")
    came: list[Sample] = [sample for sample in attempts(kit) if arrived(kit, sample)]
    assert came or name not in CARRY_TEXT
    for sample in came[:2]:
        options: dict[str, Any] = dict(sample.keywords)
        flags = [part for key, value in options.items() for part in (f"--{key.replace('_', '-')}", option(value))]
        for command in (["info"], ["probe"]):
            extra = flags if command == ["info"] else []
            main([*command, str(sample.target), *extra])
            told = capsys.readouterr()
            assert_fit(told.out)
            assert_fit(told.err)


def option(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def test_no_name_in_an_hdf5_file_acts_on_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("lamella_hdf5")
    import h5py
    import numpy as np

    attack = "".join(ATTACKS).replace("/", "")
    file = tmp_path / "scan.h5"
    with h5py.File(file, "w") as opened:
        for i in range(3):
            data = opened.create_dataset(f"{i}{attack}", data=np.zeros((3, 4, 5, 6), np.uint8))
            data.attrs[attack] = attack * 1000
            data.attrs["units"] = [attack] * 4
    assert main(["probe", str(file)]) in (0, 1)
    for arguments in ([], ["--ds-path", f"1{attack}"], ["--ds-path", f"9{attack}"]):
        main(["info", str(file), *arguments])
    told = capsys.readouterr()
    assert "0" in told.out
    assert_fit(told.out)
    assert_fit(told.err)
    dataset = lamella.open(file, ds_path=f"1{attack}")
    assert any(is_hostile(text) for text in texts_of(dataset.raw_metadata))
    assert_fit(repr(dataset))
    assert_fit(dataset._repr_html_())
