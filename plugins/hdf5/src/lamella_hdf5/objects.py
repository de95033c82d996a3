"""Groups and data sets of one file, reached link by link, so that libhdf5 never goes to another file by itself.

libhdf5 follows whatever it meets on a path: soft links, and external links behind them. A virtual data set without a
fixed size has it look into the files of its sources as soon as somebody asks for its shape. So paths are split here,
each link is looked at before it is followed, and such data sets are not handed out.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import h5py

from lamella_hdf5.longvalues import LONGEST_TEXT, Collections
from lamella_hdf5.rawfile import FILL, LAYOUT, OLD_FILL, SHARED, Damaged, RawFile

__all__ = [
    "Dataset",
    "Group",
    "Leaving",
    "OpenFile",
    "child",
    "group_at",
    "is_unlimited",
    "links_of",
    "reach",
    "stored_fill",
    "top",
]

_LONGEST_NAME = 1024
_MOST_LINKS = 20_000
_MOST_SOFT = 16
_LONGEST_PATH = 256
_FREE_MAPPINGS, _MOST_MAPPINGS = 1000, 1 << 14
"""Parts that all virtual data sets of a file may have together, and one that is alone: each takes some 20 KiB."""
_VALUE = 16
"""Stored size of a text or list of variable length [bytes], if addresses have eight."""
_UNDEFINED = 0xFFFFFFFF
_VIRTUAL = b"\3"
"""Class of the layout of a virtual data set."""

Link: TypeAlias = tuple[int, int]
"""Kind of a link, and the address of its object where it is a hard one."""


class OpenFile:
    """What is known about an open file: its stored bytes, what was read from it, and what that took.

    Parameters
    ----------
    path
        The file.
    size
        Its size [bytes].

    Attributes
    ----------
    attributes : dict
        Attributes of objects by their address.
    stored_attributes : tuple
        Address and stored attributes of the object that was looked at last.
    spent : int
        Memory that values from this file take, about [bytes].
    growing : list
        Paths of virtual data sets that are not handed out, because their sources decide how large they are.
    leaving : list
        Groups and names of links into other files, as far as the file was walked through.
    """

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.root: Group | None = None
        self.attributes: dict[int, dict[str, Any]] = {}
        self.stored_attributes: tuple[int, dict[bytes, bytes]] = (-1, {})
        self.spent = 0
        self.mappings = 0
        self.growing: list[str] = []
        self.leaving: list[tuple[Group, str]] = []
        self._raw: RawFile | None = None
        self._collections: Collections | None = None

    @property
    def raw(self) -> RawFile:
        """Its bytes; opened at first use."""
        if self._raw is None:
            self._raw = RawFile(self.path)
        return self._raw

    @property
    def collections(self) -> Collections:
        """Its texts and lists of variable length."""
        if self._collections is None:
            self._collections = Collections(self.raw)
        return self._collections

    def close(self) -> None:
        """Close the file."""
        self.root = None
        self.leaving.clear()
        if self._raw is not None:
            self._raw.close()


class _Known:
    """An object of h5py that knows its file and its address in it."""

    def __init__(self, identity: Any, home: OpenFile, address: int) -> None:
        super().__init__(identity)  # type: ignore[call-arg]
        self.home = home
        self.address = address

    @property
    def name(self) -> str:
        """Its path; bytes that are no UTF-8 are kept as surrogates, where h5py gives bytes instead of text."""
        identity: Any = self.id  # type: ignore[attr-defined]
        return _text(h5py.h5i.get_name(identity) or b"")


class Group(_Known, h5py.Group):  # type: ignore[misc, unused-ignore]
    """A group that knows its file and its address in it."""


class Dataset(_Known, h5py.Dataset):  # type: ignore[misc, unused-ignore]
    """A data set that knows its file and its address in it."""

    @property
    def plist(self) -> Any:
        """What it was created with; made once, since that of a virtual data set takes some KiB for each part."""
        return self._dcpl

    @cached_property
    def shape(self) -> Any:
        """Its shape when it was first asked for, None if it holds nothing."""
        return super().shape


@dataclass(frozen=True, slots=True)
class Leaving:
    """Where a path leaves its file: the other file as the link names it, and the path in there."""

    file: str
    path: str


def top(file: Any, home: OpenFile) -> Group:
    """Give the root of a file that h5py opened."""
    identity = h5py.h5g.open(file.id, b"/")
    home.root = Group(identity, home, int(h5py.h5o.get_info(identity).addr))
    return home.root


def links_of(group: Any) -> dict[str, Link]:
    """Give the links of a group by their names, sorted; a damaged or endless list as far as it goes.

    What is no name of a single link, because it is empty, very long, or has a slash, is left out.
    """
    found: dict[bytes, Link] = {}
    count = 0

    def take(name: bytes, info: Any) -> bool | None:
        nonlocal count
        count += 1
        if len(name) <= _LONGEST_NAME and b"/" not in name and name not in (b"", b"."):
            found.setdefault(name, (info.type, info.u))
        return True if count >= _MOST_LINKS else None

    with suppress(Exception):  # a damaged group is no reason not to look at the others
        group.id.links.iterate(take, info=True, order=h5py.h5.ITER_NATIVE)
    return {_text(name): found[name] for name in sorted(found)}


def child(group: Group, name: str, link: Link) -> Group | Dataset | None:
    """Give the group or data set behind a hard link; None for anything else, and for what cannot be opened safely."""
    raw, address = _bytes(name), link[1]
    with suppress(Exception):  # a damaged object is no reason not to look at the others
        if _has_many_parts(group.home, _stored_parts(group.home, address)):
            group.home.growing.append(f"{group.name.rstrip('/')}/{name}")
            return None
        identity = h5py.h5o.open(group.id, raw)
        if isinstance(identity, h5py.h5g.GroupID):
            return Group(identity, group.home, address)
        if isinstance(identity, h5py.h5d.DatasetID) and _fill_is_small(identity, group.home, address):
            dataset = Dataset(identity, group.home, address)
            if not (dataset.is_virtual and _grows(dataset)):
                return dataset
            group.home.growing.append(dataset.name)
    return None


def group_at(item: Any, path: str) -> Any:
    """Give the group or data set at a path, following links within the file only; None if there is none."""
    found = reach(item, path)
    return None if isinstance(found, Leaving) else found


def reach(item: Any, path: str) -> Group | Dataset | Leaving | None:
    """Follow a path link by link; gives the first link that leads into another file, if there is one."""
    names, soft = deque(_parts(_bytes(path))), 0
    while names:
        name = names.popleft()
        link = _link(item, name) if isinstance(item, Group) else None
        if link is None or len(names) > _LONGEST_PATH:
            return None
        if link[0] == h5py.h5l.TYPE_HARD:
            item = child(item, _text(name), link)
            continue
        value: Any = None
        with suppress(Exception):  # a damaged link leads nowhere
            value = item.id.links.get_val(name)
        if value is not None and link[0] == h5py.h5l.TYPE_EXTERNAL:
            return Leaving(_text(value[0]), _text(b"/".join([value[1].rstrip(b"/"), *names])))
        soft += 1
        if value is None or link[0] != h5py.h5l.TYPE_SOFT or soft > _MOST_SOFT:
            return None
        names.extendleft(reversed(_parts(value)))
        item = item.home.root if value.startswith(b"/") else item
    return item if isinstance(item, Group | Dataset) else None


def _link(group: Any, name: bytes) -> Link | None:
    try:
        info = group.id.links.get_info(name)
    except Exception:
        return None
    return info.type, info.u


def _parts(path: bytes) -> list[bytes]:
    return [name for name in path.split(b"/") if name not in (b"", b".")]


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _fill_is_small(identity: Any, home: OpenFile, address: int) -> bool:
    """Whether the fill value of a data set takes little memory: libhdf5 reads it when asked for anything."""
    stored_type = identity.get_type()
    if not _varies(stored_type):
        return True
    longest = LONGEST_TEXT if isinstance(stored_type, h5py.h5t.TypeStringID) else 0
    fill = stored_fill(home, address)
    return not fill or (len(fill) <= _VALUE and int.from_bytes(fill[:4], "little") <= longest)


def stored_fill(home: OpenFile, address: int) -> bytes:
    """Give the stored bytes of the fill value of a data set, none if it has none.

    Raises
    ------
    Damaged
        If it is shared with other objects.
    """
    found = b""
    for kind, flags, message in home.raw.messages(address):
        if kind in (FILL, OLD_FILL):
            if flags & SHARED:
                raise Damaged("a fill value in an unusual place")
            found = _fill(kind, message) or found
    return found


def _fill(kind: int, message: bytes) -> bytes:
    version = message[0] if kind == FILL and message else 0
    at = {1: 4, 2: 4, 3: 2}.get(version, 0)
    defined = {2: message[3:4] != b"\0", 3: bool(message[1:2] and message[1] & 0x20)}.get(version, True)
    size = int.from_bytes(message[at : at + 4], "little") if defined else 0
    return b"" if size == _UNDEFINED else message[at + 4 : at + 4 + size]


def _varies(kind: Any) -> bool:
    """Whether values of a type hold texts or lists of variable length, or references."""
    if isinstance(kind, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID | h5py.h5t.TypeEnumID):
        return False
    if isinstance(kind, h5py.h5t.TypeStringID):
        return bool(kind.is_variable_str())
    if isinstance(kind, h5py.h5t.TypeArrayID):
        return _varies(kind.get_super())
    if isinstance(kind, h5py.h5t.TypeCompoundID):
        return any(_varies(kind.get_member_type(i)) for i in range(kind.get_nmembers()))
    return isinstance(kind, h5py.h5t.TypeVlenID | h5py.h5t.TypeReferenceID)


def _grows(dataset: Dataset) -> bool:
    """Whether a virtual data set is as large as the files of its sources say, or has more parts than is sensible."""
    plist, home = dataset.plist, dataset.home
    count = plist.get_virtual_count()
    many = _has_many_parts(home, count)
    home.mappings += 0 if many else count
    return many or any(is_unlimited(plist.get_virtual_vspace(i)) for i in range(count))


def _has_many_parts(home: OpenFile, count: int) -> bool:
    return count > _MOST_MAPPINGS or bool(count and home.mappings and home.mappings + count > _FREE_MAPPINGS)


def _stored_parts(home: OpenFile, address: int) -> int:
    """Give the number of parts of a virtual data set without libhdf5, which opens none without reading all of them.

    0 for every other object, and where this is not found out; then libhdf5 is asked.
    """
    with suppress(Damaged):
        for kind, flags, message in home.raw.messages(address):
            if kind == LAYOUT and not flags & SHARED and message[:1] >= b"\4" and message[1:2] == _VIRTUAL:
                where, at = home.raw.offset(message, 2), 2 + home.raw.offset_size
                number = int.from_bytes(message[at : at + 4], "little")
                if where is None:
                    return 0
                return home.raw.length(home.collections.beginning(where, number, 1 + home.raw.length_size), 1)
    return 0


def is_unlimited(space: Any) -> bool:
    """Whether a selection goes on without end."""
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return False
    _, _, count, block = space.get_regular_hyperslab()
    return h5py.h5s.UNLIMITED in (*count, *block)
