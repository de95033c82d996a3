"""Damage for files: where their structure lies, and small changes to it that can be told in a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from lamella.errors import LamellaError
from lamella.reader import LinearSource

if TYPE_CHECKING:
    from lamella_testkit.kit import Kit
    from lamella_testkit.sample import Sample

__all__ = [
    "Change",
    "alike",
    "boundaries",
    "edges",
    "extreme_fields",
    "flipped_bits",
    "known_numbers",
    "name_kind",
    "rewrite",
    "scrambled",
    "structure",
    "to_change",
]

T = TypeVar("T")

_MOST_STRUCTURE = 8192
"""Bytes of a file that are looked at as structure, if nothing tells them from pixels."""
_HEADER = 256
"""Where most fields of most formats lie [bytes]."""
_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_HUGE = (1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_QUOTED = re.compile(rb"\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|(?<=>)[^<>\n]{1,200}(?=<)")
_NEW_TEXTS = (b"5", b"true", b"[]", b"{}", b'""', b'"/"', b"")
_NEW_NUMBERS = (b"0", b"-1", b"1", b"4294967296", b"99999999999999999999", b"1e400", b"nan", b"0x10", b"")


@dataclass(frozen=True)
class Change:
    """Replace the bytes ``[begin, end)`` of a file by ``new``."""

    begin: int
    end: int
    new: bytes

    def apply(self, content: bytes) -> bytes:
        """Give the changed content."""
        return content[: self.begin] + self.new + content[self.end :]

    def __str__(self) -> str:
        new = self.new.hex(" ") if len(self.new) <= 16 else f"{self.new[:16].hex(' ')} ... ({len(self.new)} bytes)"
        return f"bytes {self.begin} to {self.end} replaced by {new or 'nothing'}"


def rewrite(path: Path, content: bytes) -> None:
    """Give a file another content in place.

    Some file systems write a file to the disk at once if it was made empty first, which takes a hundred times as long.
    """
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(content)
        file.truncate()


def structure(
    kit: Kit, sample: Sample, named: Mapping[str, Sequence[int]] | None = None
) -> Mapping[Path, Sequence[int]]:
    """Give the offsets of the bytes of each file that are no pixels: headers, tags, footers, tables.

    For a linear source, that is what its frames do not cover; otherwise the first bytes and those around the
    boundaries that the sampler names, or ``named`` for a file that no sampler wrote.
    """
    named = kit.sampler.boundaries(sample.data) if named is None else named
    covered = _covered(kit, sample)
    found = {}
    for path in sample.files:
        size = path.stat().st_size
        mask = np.zeros(size, dtype=np.bool_)
        if path in covered:
            mask[:] = ~covered[path]
        else:
            mask[:_MOST_STRUCTURE] = True
        for boundary in named.get(path.name, ()):
            mask[max(0, boundary - 16) : boundary + 16] = True
        found[path] = np.flatnonzero(mask).tolist()
    return found


def _covered(kit: Kit, sample: Sample) -> dict[Path, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    try:
        source = kit.source(sample)
    except LamellaError:
        return {}
    if not isinstance(source, LinearSource):
        return {}
    low, high = source.encoding.extent()
    masks = {Path(resource.path): np.zeros(resource.size, dtype=np.bool_) for resource in source.resources}
    for segment in source.runs.runs():
        mask = masks[Path(source.resources[segment.resource].path)]
        for one in segment:
            mask[one.offset + low : one.offset + high] = True
    return masks


def alike(sample: Sample, path: Path) -> int:
    """Give how many files are parts of the same kind as one of them: their names differ in nothing but digits."""
    return [name_kind(one) for one in sample.files].count(name_kind(path))


def to_change(kit: Kit, paths: Iterable[Path], number: int = 0) -> list[Path]:
    """Give the files that a check changes one after the other.

    Of a series of files that are alike, a brief profile takes the first and another one: the next one for the next
    ``number``.
    """
    if not kit.profile.brief:
        return list(paths)
    series: dict[str, list[Path]] = {}
    for path in paths:
        series.setdefault(name_kind(path), []).append(path)
    some = []
    for first, *others in series.values():
        some += [first, *others[number % max(1, len(others)) :][:1]]
    return some


def name_kind(path: Path) -> str:
    """Give what the names of files of one kind have in common: all but digits."""
    return _DIGITS.sub("#", path.name)


def boundaries(kit: Kit, sample: Sample, path: Path) -> list[int]:
    """Give the lengths at which cutting a file is most likely to matter, all shorter than the file."""
    size = path.stat().st_size
    marks = {0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, size // 2, size}
    marks.update(kit.sampler.boundaries(sample.data).get(path.name, ()))
    marks.update(edges(structure(kit, sample).get(path, ()), size))
    lengths = {mark + step for mark in marks for step in (-1, 0, 1)}
    return sorted(length for length in lengths if 0 <= length < size)


def edges(places: Sequence[int], size: int) -> set[int]:
    """Give where stretches of structure begin and end in a file of ``size`` bytes."""
    marks: set[int] = set()
    for before, after in zip([-2, *places], [*places, size + 2], strict=True):
        if after - before > 1:
            marks.update((before + 1, after))
    return marks


def _few(places: Sequence[int], most: int) -> Sequence[int]:
    """Give the places in the header, and others at random, many more than are changed."""
    if len(places) <= _HEADER + 20 * most:
        return places
    first = [place for place in places if place < _HEADER]
    rest = places[len(first) :]
    chosen = np.random.default_rng(len(places)).choice(len(rest), 20 * most, replace=False)
    return [*first, *(rest[i] for i in sorted(chosen.tolist()))]


def flipped_bits(content: bytes, places: Sequence[int], most: int, seed: int = 0) -> Iterator[Change]:
    """Flip single bits: all of them if there are at most ``most``, else a selection that prefers bytes in use.

    Half of them lie in the header. No second bit of a byte is flipped before one of every other byte there was.
    """
    first = [place for place in places if place < _HEADER]
    rest = _few(places, most)[len(first) :]
    rng = np.random.default_rng(_mixed(len(content), seed))
    half = max(most // 2, most - 8 * len(rest))
    bits = [*_spread(content, first, half, rng)]
    bits += _spread(content, rest, most - len(bits), rng)
    for place, bit in sorted(bits):
        yield Change(place, place + 1, bytes([content[place] ^ (1 << bit)]))


def _spread(content: bytes, places: Sequence[int], most: int, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Give bits of as many bytes as there are, those in use first."""
    if not places:
        return
    weight = np.asarray([8.0 if content[place] else 1.0 for place in places])
    turns = rng.permuted(np.tile(np.arange(8), (len(places), 1)), axis=1)
    for turn in range(min(8, -(-most // len(places)))):
        left = min(len(places), most - turn * len(places))
        for i in rng.choice(len(places), left, replace=False, p=weight / weight.sum()).tolist():
            yield places[i], int(turns[i, turn])


def extreme_fields(content: bytes, places: Sequence[int], most: int, seed: int = 0) -> Iterator[Change]:
    """Overwrite bytes by zeros and ones, fields by extreme numbers of either byte order, numbers and words in text."""
    known = set(places)
    places = _few(places, most)
    few = max(1, most // 4)
    text = [
        (*match.span(), new)
        for pattern, values in ((_NUMBER, _NEW_NUMBERS), (_QUOTED, _NEW_TEXTS))
        for match in pattern.finditer(content[: max(known, default=-1) + 1])
        if match.start() in known
        for new in values
    ]
    slots = [
        (place, width)
        for width in (1, 2, 4, 8)
        for place in places
        if place + width <= len(content) and (place % width == 0 or width == 8)
    ]
    for one in _some(text, (most + 1) // 2, _mixed(len(content), seed)):
        yield Change(*one)
    if not slots:
        return
    for value, share in ((0, most), (0xFF, few)):
        ends = [Change(place, place + 1, bytes([value])) for place in places if content[place] != value]
        first = [change for change in ends if change.begin < _HEADER]
        yield from _some(first, share, _mixed(len(content) + value, seed))
        yield from _some(ends[len(first) :], share, _mixed(len(content) + value, seed))
    rng = np.random.default_rng(_mixed(len(content) + 1, seed))
    used = [8.0 if any(content[place : place + width]) else 1.0 for place, width in slots]
    weights = np.asarray(used) / sum(used)
    for place, width in (slots[i] for i in rng.choice(len(slots), few, p=weights).tolist()):
        limit = 1 << (8 * width)
        values = [value for value in (*_EXTREMES, *_HUGE, limit - 1, limit // 2) if value < limit]
        value = values[int(rng.integers(len(values)))]
        data = value.to_bytes(width, "little") if rng.integers(2) else value.to_bytes(width, "big")
        yield Change(place, place + width, data)


_ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")
_DIGITS_THERE = re.compile(rb"\d+")


def known_numbers(
    content: bytes, places: Sequence[int], numbers: Sequence[int], most: int, seed: int = 0
) -> Iterator[tuple[Change, ...]]:
    """Find the numbers that a header must hold, and replace each, and each two of them, by impossible ones.

    Parameters
    ----------
    content
        The file.
    places
        Offsets of its structure.
    numbers
        Shapes, counts and sizes that may be written there.
    most
        How many changes to give of each kind.
    seed
        Another number gives another selection, for files that are alike.
    """
    spots: dict[tuple[int, int, str], int] = {}
    stored = {
        (width, order, number.to_bytes(width, order)): number
        for number in numbers
        for width in (2, 4, 8)
        for order in _ORDERS
        if number < 1 << (8 * width)
    }
    texts = {b"%d" % number: number for number in numbers}
    for place in places:
        for width in (2, 4, 8):
            there = content[place : place + width]
            for order in _ORDERS:
                if (number := stored.get((width, order, there))) is not None:
                    spots[place, width, order] = number
        digits = _DIGITS_THERE.match(content, place)
        if digits and digits[0] in texts and not content[max(0, place - 1) : place].isdigit():
            spots[place, len(digits[0]), "text"] = texts[digits[0]]
    single = [
        _number(place, width, order, value)
        for (place, width, order), number in spots.items()
        for value in (1 << 40, 0, number - 1, number + 1, 2 * number, 1000 * number, 1 << 16, 1 << 31, 1 << 63)
    ]
    yield from ((change,) for change in _some(list(dict.fromkeys(single)), most, _mixed(1, seed)))
    huge = sorted((_number(place, width, order, 1 << 40) for place, width, order in spots), key=lambda one: -one.begin)
    pairs = [(late, early) for i, late in enumerate(huge) for early in huge[i + 1 :] if early.end <= late.begin]
    yield from _some(pairs, most, _mixed(2, seed))  # the later one first, so that the offsets of the other stay


def _number(place: int, width: int, order: str, value: int) -> Change:
    if order == "text":
        return Change(place, place + width, b"%d" % value)
    limit = 1 << (8 * width)
    new = min(value, limit - 1).to_bytes(width, order)  # type: ignore[arg-type]
    return Change(place, place + width, new)


def scrambled(content: bytes, places: Sequence[int], most: int, seed: int = 0) -> Iterator[Change]:
    """Delete, repeat, overwrite and exchange stretches of the structure."""
    rng = np.random.default_rng(_mixed(len(content), seed))
    if not places:
        return
    for _ in range(most):
        begin = int(places[int(rng.integers(len(places)))])
        length = int(rng.choice([1, 2, 3, 4, 8, 16, 64, 256]))
        end = min(len(content), begin + length)
        kind = int(rng.integers(6))
        old = content[begin:end]
        if kind == 0:
            yield Change(begin, end, b"")
        elif kind == 1:
            yield Change(begin, begin, old)
        elif kind == 2:
            yield Change(begin, end, bytes(end - begin))
        elif kind == 3:
            yield Change(begin, end, b"\xff" * (end - begin))
        elif kind == 4:
            yield Change(begin, end, rng.bytes(end - begin))
        else:
            other = int(places[int(rng.integers(len(places)))])
            yield Change(begin, end, content[other : other + end - begin])


def _mixed(seed: int, other: int) -> int:
    return seed + 7919 * other


def _some(changes: Sequence[T], most: int, seed: int) -> list[T]:
    if len(changes) <= most:
        return list(changes)
    chosen = np.random.default_rng(seed).choice(len(changes), most, replace=False)
    return [changes[i] for i in sorted(chosen.tolist())]
