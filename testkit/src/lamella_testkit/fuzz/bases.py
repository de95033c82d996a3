"""The intact files of a format: what its sampler writes, and the sample files that are there."""

from __future__ import annotations

import json
import math
import os
import random
import re
import shutil
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella.errors import LamellaError
from lamella_testkit.fuzz.recipe import Base
from lamella_testkit.mutate import Change, edges, extreme_fields, known_numbers, structure
from lamella_testkit.sample import Sample, SampleData

if TYPE_CHECKING:
    from lamella_testkit.kit import Kit

__all__ = ["Bases", "Material", "Part", "sample_files"]

_SHAPES = (((2, 3), (4, 5)), ((2, 3), (4, 5)), ((5, 7), (11, 13)), ((1, 1), (8, 8)))
"""Scans and frames; the third has numbers that are easy to tell from others in a header."""
_HEAD = 128 << 10
"""Of a larger sample file, that many bytes are taken."""
_MOST_BYTES = 4 << 20
_NOT_DATA = ("expected.npy", "sample.json")
_LOOKED_AT = 64 << 10
_MOST_PLACES = 8192
_POOL = 400
"""Changes of each kind that are kept for a file."""


@dataclass(frozen=True)
class Part:
    """One file of a base: its content, and where its structure lies."""

    name: str
    content: bytes
    places: Sequence[int]
    bounds: Sequence[int]
    numbers: Sequence[int]

    @cached_property
    def used(self) -> Sequence[int]:
        """The offsets in the structure of bytes other than zero; all of it if there are none."""
        return [place for place in self.places if self.content[place]] or self.places

    @cached_property
    def known(self) -> Sequence[tuple[Change, ...]]:
        """Changes of the shapes and counts that its header holds."""
        return list(known_numbers(self.content[:_LOOKED_AT], self._first, self.numbers, _POOL))

    @cached_property
    def extreme(self) -> Sequence[Change]:
        """Changes of fields and words to extreme ones."""
        return list(extreme_fields(self.content[:_LOOKED_AT], self._first, 4 * _POOL))

    @cached_property
    def _first(self) -> Sequence[int]:
        """The first offsets in the structure, every so many where there are a lot."""
        first = self.places[: bisect_left(self.places, _LOOKED_AT)]
        return first[:: 1 + len(first) // _MOST_PLACES]


@dataclass(frozen=True)
class Material:
    """What mutations of a base work with: its files, and other bases of the format to take bytes from."""

    base: Base
    parts: tuple[Part, ...]
    others: tuple[Base, ...]
    outside: Path
    """A folder that lies around the one of the input; its name is never in a recipe."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files, the main file first."""
        return tuple(part.name for part in self.parts)


class Bases:
    """Writes the bases of one format when they are needed, and keeps them.

    Parameters
    ----------
    kit
        The plugin.
    samples
        The folder of sample files, or None.
    """

    def __init__(self, kit: Kit, samples: Path | None) -> None:
        self._kit = kit
        self._samples = samples
        self._kept: dict[Base, Sample] = {}
        self._materials: dict[Base, Material] = {}
        self.recorded = () if samples is None else tuple(sample_files(samples, kit.spec.name))

    def chosen(self, chance: random.Random) -> Base:
        """Give a base: a variant of the sampler, or a sample file where there are some."""
        if self.recorded and chance.random() < 0.25:
            return Base(recorded=chance.choice(self.recorded))
        return Base(self._data(chance))

    def _data(self, chance: random.Random) -> SampleData:
        sampler = self._kit.sampler
        dtype = sampler.dtypes[0] if chance.random() < 0.5 else chance.choice(sampler.dtypes)
        nav_shape, sig_shape = chance.choice(_SHAPES)
        data = self._kit.data(nav_shape, sig_shape, dtype=dtype, variant=chance.choice(sampler.variants))
        if data.nbytes <= _MOST_BYTES:
            return data
        return self._kit.data(chance.choice(((1, 1), (1, 1), (1, 3))), variant=data.variant)  # of large frames, few

    def sample(self, base: Base) -> Sample:
        """Give the files of a base; not to be changed."""
        if base not in self._kept:
            self._kept[base] = self._kit.fresh(base.data) if base.data is not None else self._copied(base)
        return self._kept[base]

    def _copied(self, base: Base) -> Sample:
        assert base.recorded is not None
        if self._samples is None or not (self._samples / base.recorded).is_file():
            raise FileNotFoundError(f"the sample file {base.recorded} is not there; LAMELLA_SAMPLES names their folder")
        main = self._samples / base.recorded
        directory = self._kit.directory()
        for path in main.parent.iterdir():
            if path.is_file() and path.name not in _NOT_DATA:
                with path.open("rb") as file:
                    (directory / path.name).write_bytes(file.read(_HEAD if path.stat().st_size > 3 * _HEAD else -1))
        facts = _facts(main.parent)
        data = SampleData((1,), (1, 1), "|u1", variant=base.recorded, stem=main.stem)
        return Sample(data, directory, directory / main.name, facts.get("load") or {})

    def material(self, base: Base) -> Material:
        """Give what mutations of a base work with."""
        if base not in self._materials:
            sample = self.sample(base)
            named = self._kit.sampler.boundaries(sample.data) if base.data is not None else {}
            places = self._structure(sample, named)
            numbers = _numbers(sample.data) if base.data is not None else []
            chance = random.Random(str(base))
            others = tuple(Base(self._data(chance)) for _ in range(3))
            parts = tuple(_part(sample, path, places[path], named, numbers) for path in sample.files)
            self._materials[base] = Material(base, parts, others, sample.directory.parent)
        return self._materials[base]

    def _structure(self, sample: Sample, named: Mapping[str, Sequence[int]]) -> Mapping[Path, Sequence[int]]:
        try:
            return structure(self._kit, sample, named)
        except LamellaError:  # a head of a sample file may be no file
            return {path: range(min(8192, path.stat().st_size)) for path in sample.files}


def _part(
    sample: Sample, path: Path, places: Sequence[int], named: Mapping[str, Sequence[int]], numbers: Sequence[int]
) -> Part:
    content = path.read_bytes()
    size = len(content)
    marks = {0, size, *named.get(path.name, ()), *edges(places, size), *_blocks(content)}
    bounds = sorted(mark for mark in marks if 0 <= mark <= size)
    unusual = [number for number in dict.fromkeys([*numbers, size]) if number > 2]
    return Part(str(path.relative_to(sample.directory)), content, places, bounds, unusual)


_MARK = re.compile(rb"(?<![A-Za-z])[A-Z]{4}(?![A-Za-z])")


def _blocks(content: bytes, most: int = 256) -> list[int]:
    """Give where blocks seem to begin: at four capitals, as in many formats, and at lines and tags of a text."""
    marks = [match.start() for match in _MARK.finditer(content)][:most]
    if content[:1] in b"<[{#" or content[:64].isascii():
        marks += [match.start() for match in re.finditer(rb"(?<=\n)|<", content[: 64 << 10])][:most]
    return marks


def _numbers(data: SampleData) -> list[int]:
    frame = data.nbytes // max(1, data.n_frames)
    shapes = (*data.nav_shape, data.n_frames, *data.sig_shape, math.prod(data.sig_shape))
    return [*shapes, frame, data.stored_dtype.itemsize * 8]


def sample_files(samples: Path, format: str) -> list[str]:
    """Give the main files of the samples of a format, by their paths within the folder of samples."""
    found = []
    for folder in sorted(path for path in (samples / format).glob("*") if path.is_dir()):
        files = sorted(path for path in folder.iterdir() if path.is_file() and path.name not in _NOT_DATA)
        main = _facts(folder).get("main")
        if main is None:
            named = [path.name for path in files if path.suffix in (".xml", ".hdr") or "master" in path.name]
            main = next(iter([*named, *(path.name for path in files)]), None)
        if main is not None and (folder / main).is_file():
            found.append((folder / main).relative_to(samples).as_posix())
    return found


def _facts(folder: Path) -> dict[str, Any]:
    described = folder / "sample.json"
    return json.loads(described.read_text(encoding="utf-8")) if described.is_file() else {}


def samples_folder() -> Path | None:
    """Give the folder of sample files that ``LAMELLA_SAMPLES`` names, if it is there."""
    named = os.environ.get("LAMELLA_SAMPLES")
    return Path(named) if named and Path(named).is_dir() else None


def put(sample: Sample, directory: Path) -> Sample:
    """Write a copy of a sample into a folder, which is emptied before."""
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(sample.directory, directory)
    return sample
