"""Changes at random: some blind, most with an eye for what stands where in a file."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from lamella_testkit.fuzz.bases import Material, Part
from lamella_testkit.fuzz.hdf5 import FEATURES, SIGNATURE, spots
from lamella_testkit.fuzz.recipe import OUTSIDE, Step
from lamella_testkit.fuzz.texts import in_markup, in_names, in_text
from lamella_testkit.mutate import Change, scrambled

__all__ = ["mutated"]

_Mutation = Callable[[random.Random, Material, Part], Sequence[Step]]

_LIMITS = (1 << 7, 1 << 8, 1 << 15, 1 << 16, 1 << 24, 1 << 31, 1 << 32, 1 << 40, 1 << 62, 1 << 63)
_FLOATS = ("nan", "inf", "-inf", "0", "-0.0", "1e308", "-1e308", "5e-324", "-1", "1e-30", "4e9")


def mutated(chance: random.Random, material: Material) -> tuple[Step, ...]:
    """Give one to four changes of a base."""
    steps: list[Step] = []
    if _is_hdf5(material.parts[0]) and chance.random() < 0.3:
        steps += _hostile(chance, material, material.parts[0])
    for _ in range(chance.choices((1, 2, 3, 4), (60, 25, 10, 5))[0] - bool(steps and chance.random() < 0.6)):
        part = _some_part(chance, material)
        mutations, weights = zip(*_MUTATIONS, strict=True)
        steps += chance.choices(mutations, weights)[0](chance, material, part) or _integer(chance, material, part)
    return tuple(steps)


def _some_part(chance: random.Random, material: Material) -> Part:
    """Give a file: the main one in half of the cases, and seldom one that holds nothing but pixels."""
    if len(material.parts) == 1 or chance.random() < 0.5:
        return material.parts[0]
    return chance.choice([part for part in material.parts if part.places] or material.parts)


def _changed(part: Part, *changes: Change) -> list[Step]:
    return [Step("replace", part.name, one.begin, one.end, new=one.new) for one in changes]


# Numbers.


def _integer(chance: random.Random, material: Material, part: Part) -> list[Step]:
    """Another integer in a field: an extreme one, a neighbour, swapped bytes, a place in the file, a size of it."""
    content = part.content
    if not content:
        return [Step("replace", part.name, new=chance.randbytes(chance.choice((1, 16, 300))))]
    places = part.used if chance.random() < 0.7 else part.places
    place = _field(chance, part, places or range(len(content)))
    width = chance.choice((1, 2, 2, 4, 4, 4, 8, 8))
    if chance.random() < 0.8:
        place -= place % min(width, 4)
    place = max(0, min(place, len(content) - width))
    order = "little" if chance.random() < 0.7 else "big"
    old = int.from_bytes(content[place : place + width], order)  # type: ignore[arg-type]
    top = 1 << (8 * width)
    other = chance.choice(places or [0])
    value = chance.choice(
        (
            *(0, 1, 2, -1, top - 1, top // 2, top // 2 - 1),
            *(old + 1, old - 1, old * 2, old // 2, -old, old ^ (1 << chance.randrange(8 * width))),
            *(place, place - width, place + width, other, len(content), len(content) - 1, len(content) - place),
            int.from_bytes(content[other : other + width], order),  # type: ignore[arg-type]
            int.from_bytes(old.to_bytes(width, "little"), "big"),
            *(chance.choice(_LIMITS) - chance.randrange(2), old + chance.choice(_LIMITS)),
            *(chance.choice(part.bounds), chance.choice(part.numbers or [3]) * chance.choice((1, 2, 1000, 1 << 20))),
            chance.randrange(top),
        )
    )
    return _changed(part, Change(place, place + width, (value % top).to_bytes(width, order)))  # type: ignore[arg-type]


def _field(chance: random.Random, part: Part, places: Sequence[int]) -> int:
    """Give a place in the structure; in a third of the cases near the beginning of a block, where lengths stand."""
    if chance.random() < 0.33:
        bound = chance.choice(part.bounds) + chance.randrange(24)
        return min(bound, len(part.content) - 1)
    return chance.choice(places)


def _float(chance: random.Random, material: Material, part: Part) -> list[Step]:
    import struct

    width = chance.choice((4, 8))
    if len(part.content) < width:
        return []
    place = _field(chance, part, part.used or range(len(part.content)))
    place = max(0, min(place - place % 4, len(part.content) - width))
    value = float(chance.choice(_FLOATS))
    order = "<" if chance.random() < 0.8 else ">"
    try:
        new = struct.pack(f"{order}{'f' if width == 4 else 'd'}", value)
    except OverflowError:
        return []
    return _changed(part, Change(place, place + width, new))


def _known(chance: random.Random, material: Material, part: Part) -> list[Step]:
    """Another shape or count."""
    return _changed(part, *chance.choice(part.known)) if part.known else []


def _extreme(chance: random.Random, material: Material, part: Part) -> list[Step]:
    return _changed(part, chance.choice(part.extreme)) if part.extreme else []


# Blocks.


def _two(chance: random.Random, part: Part) -> tuple[int, int]:
    """Give the beginning and end of a block, seldom of several."""
    first = chance.randrange(len(part.bounds))
    last = min(len(part.bounds) - 1, first + chance.choice((1, 1, 1, 2, 5)))
    return part.bounds[first], part.bounds[last]


def _block(chance: random.Random, material: Material, part: Part) -> list[Step]:
    """A block that is there twice, is missing, is cleared, or has another place."""
    begin, end = _two(chance, part)
    other = chance.choice(part.bounds)
    kind = chance.randrange(5)
    if kind == 0:
        return [Step("repeat", part.name, begin, end, at=other)]
    if kind == 1:
        return [Step("replace", part.name, begin, end)]
    if kind == 2 and end - begin <= 4096:
        return [Step("replace", part.name, begin, end, new=bytes(end - begin))]
    if kind == 3:
        return [Step("repeat", part.name, begin, end, at=begin)] * chance.choice((1, 2, 8))
    low, middle, high = sorted((begin, end, other))
    return [Step("swap", part.name, low, high, at=middle)]


def _cut(chance: random.Random, material: Material, part: Part) -> list[Step]:
    """The end is missing, in most cases from the beginning of a block on."""
    if chance.random() < 0.7:
        end = chance.choice(part.bounds) + chance.choice((-1, 0, 0, 1, 4))
    else:
        end = chance.randrange(len(part.content) + 1)
    return [Step("cut", part.name, end=max(0, end))]


def _longer(chance: random.Random, material: Material, part: Part) -> list[Step]:
    size = len(part.content)
    tail = chance.choice((b"\0", bytes(100), bytes(4096), b"\xff" * 64, chance.randbytes(512), part.content[:512]))
    return [Step("replace", part.name, size, size, new=tail)]


def _splice(chance: random.Random, material: Material, part: Part) -> list[Step]:
    """The beginning of one variant, and the end of another."""
    at = chance.choice(part.bounds)
    begin = at if chance.random() < 0.7 else chance.choice(part.bounds)
    return [Step("splice", part.name, begin, at=at, other=chance.choice(material.others))]


# Files.


def _files(chance: random.Random, material: Material, part: Part) -> list[Step]:
    """A file is missing, is no file, leads elsewhere, or is there under another name as well."""
    part = chance.choice(material.parts)
    sidecar = len(material.parts) > 1 and part is not material.parts[0]
    kinds = ("copy", "remove", "folder", "link", "fifo") if sidecar else ("copy",)
    kind = chance.choice(kinds)
    name = ""
    if kind == "link":
        targets = (f"{OUTSIDE}/{part.name}", f"{OUTSIDE}/secret.txt", "/dev/zero", "/proc/self/environ")
        name = chance.choice((*targets, part.name, material.parts[0].name, ".", "nothing"))
    if kind == "copy":
        name = _another_name(chance, part.name)
    return [Step(kind, part.name, name=name)]


def _another_name(chance: random.Random, name: str) -> str:
    """Give the name of the next file of a series, or one that differs in case, extension, or a sign."""
    path = PurePosixPath(name)
    digits = [i for i, letter in enumerate(name) if letter.isdigit()]
    if digits and chance.random() < 0.6:
        i = chance.choice(digits)
        return f"{name[:i]}{(int(name[i]) + chance.randrange(1, 10)) % 10}{name[i + 1 :]}"
    ends = (".hdr", ".xml", ".json", ".toml", ".txt", ".metadata", ".emi", ".gtg", ".raw", ".dat")
    others = (path.with_suffix(chance.choice(ends)).name, name.upper(), f"{name}.1", f"{name[:-1]}\u0661")
    return chance.choice(others)


# Blind.


def _scrambled(chance: random.Random, material: Material, part: Part) -> list[Step]:
    places = part.places if chance.random() < 0.6 else range(len(part.content))
    seed = chance.randrange(1 << 30)
    return _changed(part, *scrambled(part.content, places, chance.choice((1, 1, 2, 4)), seed))


def _bits(chance: random.Random, material: Material, part: Part) -> list[Step]:
    """Some flipped bits."""
    if not part.content:
        return []
    places = part.places or range(len(part.content))
    changes = []
    for _ in range(chance.choice((1, 1, 2, 8))):
        place = chance.choice(places)
        changes.append(Change(place, place + 1, bytes([part.content[place] ^ (1 << chance.randrange(8))])))
    return _changed(part, *changes)


def _noise(chance: random.Random, material: Material, part: Part) -> list[Step]:
    begin = chance.randrange(len(part.content) + 1)
    length = chance.choice((1, 2, 4, 8, 64, 512))
    return _changed(part, Change(begin, begin + length, chance.randbytes(length)))


# Texts and HDF5.


def _text(chance: random.Random, material: Material, part: Part) -> list[Step]:
    return [Step("replace", part.name, one.begin, one.end, new=one.new) for one in in_text(chance, part)]


def _markup(chance: random.Random, material: Material, part: Part) -> list[Step]:
    return in_markup(chance, part)


def _names(chance: random.Random, material: Material, part: Part) -> list[Step]:
    return in_names(chance, part, material.names)


def _is_hdf5(part: Part) -> bool:
    return SIGNATURE in part.content[:4096]


def _hostile(chance: random.Random, material: Material, part: Part) -> list[Step]:
    if not (FEATURES and _is_hdf5(part)):
        return []
    return [Step("hdf5", part.name, name=chance.choice(FEATURES), at=chance.randrange(1, 1 << 16))]


def _hdf5_field(chance: random.Random, material: Material, part: Part) -> list[Step]:
    """Another number in an object header, a B-tree, a heap or a table of symbols."""
    found = spots(part.content) if _is_hdf5(part) else ()
    if not found:
        return []
    place = chance.choice(found) + 4 * chance.randrange(12)
    width = chance.choice((1, 2, 4, 8, 8))
    value = chance.choice((0, 1, place, chance.choice(found), len(part.content), (1 << 8 * width) - 1, 1 << 31))
    return _changed(part, Change(place, place + width, (value % (1 << 8 * width)).to_bytes(width, "little")))


_MUTATIONS: tuple[tuple[_Mutation, int], ...] = (
    (_integer, 30),
    (_known, 8),
    (_extreme, 6),
    (_float, 3),
    (_text, 8),
    (_markup, 6),
    (_names, 7),
    (_block, 9),
    (_cut, 5),
    (_longer, 2),
    (_splice, 4),
    (_files, 6),
    (_hdf5_field, 8),
    (_scrambled, 5),
    (_bits, 4),
    (_noise, 3),
)
