"""What a format plugin declares about itself. Imports the standard library only, so that discovery is free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import EnumMeta, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

__all__ = ["API_VERSION", "RESERVED_NAMES", "SUPPORTED_APIS", "Capability", "FormatSpec", "Param", "Signature"]

SUPPORTED_APIS: Mapping[int, int] = MappingProxyType({1: 0})
"""Every major version of the plugin API that this core understands, with its highest minor version."""

API_VERSION = max(SUPPORTED_APIS.items())
"""The newest plugin API of this core: the major number changes when a plugin must change."""

RESERVED_NAMES = frozenset({"list", "show", "search"})
"""Words that cannot be names of formats, because ``lamella formats`` gives them a meaning."""


def is_api_version(value: object) -> TypeGuard[tuple[int, int]]:
    """Whether a value is a version of the plugin API, ``(major, minor)``."""
    return type(value) is tuple and len(value) == 2 and all(type(part) is int and part >= 0 for part in value)


class _Declaration(type):
    """Lets a declaration be made with fields of a later plugin API, and without fields that a later one dropped.

    Whether the plugin can be used is judged by its ``api`` afterwards; here a `TypeError` would hide that.
    """

    if not TYPE_CHECKING:

        def __call__(cls, *args: Any, **values: Any) -> Any:
            known = {item.name: item for item in fields(cls)}
            later = tuple((name, _text(values.pop(name))) for name in list(values) if name not in known)
            if later:
                values["unknown_fields"] = (*values.get("unknown_fields", ()), *later)
            for name in list(known)[len(args) :]:
                if known[name].default is MISSING:
                    values.setdefault(name, None)
            return super().__call__(*args, **values)


class _Capabilities(EnumMeta):
    """Gives text for a capability of a later plugin API, instead of `AttributeError`."""

    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> str:
            members = vars(cls).get("_member_map_", {})
            if name in members:
                return members[name]
            if name.startswith("_") or not name.isupper():
                raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
            return name.lower().replace("_", "-")

        def __getitem__(cls, name: str) -> str:
            return getattr(cls, name) if name.isupper() else super().__getitem__(name)

        def __call__(cls, value: Any, *more: Any, **options: Any) -> Any:
            is_later = (
                isinstance(value, str) and not more and not options and value not in vars(cls)["_value2member_map_"]
            )
            return str(value) if is_later else super().__call__(value, *more, **options)


@dataclass(frozen=True, slots=True)
class Signature(metaclass=_Declaration):
    """Bytes that a file of the format carries at a fixed offset [bytes]."""

    magic: bytes
    offset: int = 0
    unknown_fields: tuple[tuple[str, str], ...] = field(default=(), kw_only=True, repr=False)

    def matches(self, head: bytes) -> bool:
        """Whether ``head``, the first bytes of a file, carries this signature."""
        return head[self.offset : self.offset + len(self.magic)] == self.magic

    def is_typed(self) -> bool:
        """Whether its fields have the types that they are declared with."""
        return isinstance(self.magic, bytes) and type(self.offset) is int


class Capability(StrEnum, metaclass=_Capabilities):
    """What a reader promises beyond reading; the conformance kit tests each promise both ways."""

    IO_BACKENDS = "io-backends"
    """Pixels come through the I/O backends of the core, so ``io_backend=`` may be given."""
    ZERO_COPY = "zero-copy"
    """Tiles of stored dtype are views of the mapping."""
    SIG_RESHAPE = "sig-reshape"
    """``sig_shape=`` of equal size is accepted."""
    TRUNCATED = "truncated"
    """A file that was cut opens as far as its complete frames go, with a warning in the diagnostics."""
    MULTI_FILE = "multi-file"
    """A data set may span several files."""
    FILE_LIST = "file-list"
    """The target may be a list of files, which are one data set in that order."""
    DIRECTORY = "directory"
    """The target may be a folder, which is one data set; others are never asked about folders."""
    URL = "url"
    """The target may be a URL; others are never asked about URLs."""
    CORRECTIONS = "corrections"
    """Files may bring their own dark frame, gain map or excluded pixels."""
    METADATA = "metadata"
    """Files carry metadata worth showing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """Everything about one parameter that its type does not say; used as ``Annotated[T, Param(...)]``.

    Parameters
    ----------
    doc
        What it is, in one sentence.
    unit
        Its unit, such as ``"bytes"``; None if it has none.
    ge, gt, le, lt
        Bounds of a number, and of each item of a tuple.
    choices
        The values that are allowed; None for all of the type.
    kind
        ``"dtype"`` accepts whatever NumPy calls a dtype and stores its string, ``"path"`` is the path of a file, and
        ``"object"`` accepts any object.
    cli
        False keeps a parameter that cannot be typed in a shell off the command line.
    place
        What the number is in a picture, for programs that draw: a coordinate in the frame (``"sig-y"``, ``"sig-x"``)
        or a radius around that point (``"sig-radius"``) [px], a position of the scan (``"nav-z"``, ``"nav-y"``,
        ``"nav-x"``), or an angle [degree]. It changes nothing else.
    """

    doc: str
    unit: str | None = None
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    choices: tuple[object, ...] | None = None
    kind: Literal["dtype", "path", "object"] | None = None
    cli: bool = True
    place: Literal["sig-y", "sig-x", "sig-radius", "nav-z", "nav-y", "nav-x", "angle"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatSpec(metaclass=_Declaration):
    """The declaration of one file format: found by entry point, read without importing the reader.

    Parameters
    ----------
    name
        What users type: ``lamella.open(path, format="blo")``.
    title
        What people call the format.
    api
        The plugin API version it was written for, ``(major, minor)``.
    reader, params
        ``"module:Class"`` of the reader and of its parameter dataclass, imported on first use.
    extensions
        Lower-case file name extensions without the dot.
    signatures
        Byte patterns, any of which marks a file as probably of this format.
    capabilities
        Promises beyond reading.
    target
        ``"path"`` for files, and for lists of files, folders and URLs with the capabilities for them; ``"object"`` for
        formats that wrap objects in memory.
    requires
        Modules that must be importable; a missing one is reported with the line that installs it.
    edition
        The conformance edition the plugin targets.
    url
        Where the format is documented.
    unknown_fields
        Names and texts of fields that this core does not know: the plugin was written for another plugin API.
    """

    name: str
    title: str
    api: tuple[int, int]
    reader: str
    params: str
    extensions: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()
    capabilities: frozenset[Capability] = frozenset()
    target: Literal["path", "object"] = "path"
    requires: tuple[str, ...] = ()
    edition: str = "2026.1"
    url: str | None = None
    unknown_fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def problems(self) -> Iterator[str]:
        """What is wrong with the declaration itself; nothing for a valid one."""
        yield from self._unknown()
        yield from self.malformed()

    def _unknown(self) -> Iterator[str]:
        """What a later plugin API may have added."""
        known = [item.name for item in fields(self) if item.name != "unknown_fields"]
        for name, _ in self.unknown_fields:
            yield f"field {name!r} is not known{_closest(name, known)}"
        if isinstance(self.signatures, tuple):
            later = {name for one in self.signatures if isinstance(one, Signature) for name, _ in one.unknown_fields}
            yield from (f"field {name!r} of a signature is not known" for name in sorted(later))
        if isinstance(self.capabilities, frozenset):
            words = [str(capability) for capability in Capability]
            for word in sorted(one for one in self.capabilities if isinstance(one, str) and one not in words):
                yield f"capability {str(word)!r} is not known{_closest(word, words)}"
        if isinstance(self.target, str) and self.target not in ("path", "object"):
            yield f'target is {self.target!r}, expected "path" or "object"'

    def malformed(self) -> Iterator[str]:
        """What no plugin API allows: fields that are absent, of another type, or contradict themselves."""
        wrong = list(self._wrong_types())
        yield from wrong
        if wrong:
            return
        if not self.name.isidentifier() or self.name != self.name.lower():
            yield f"name {self.name!r} is not a lower-case identifier"
        if self.name in RESERVED_NAMES:
            yield f"name {self.name!r} has a meaning for `lamella formats`; choose another one"
        if not self.title.strip():
            yield "title is empty"
        for role, value in (("reader", self.reader), ("params", self.params)):
            module, separator, attribute = value.partition(":")
            if not (separator and module and attribute.isidentifier()):
                yield f'{role} {value!r} is not of the form "module:Class"'
        for extension in self.extensions:
            if extension != extension.lower() or extension.startswith("."):
                yield f"extension {extension!r} must be lower case and without a dot"
        for signature in self.signatures:
            if not signature.magic or signature.offset < 0:
                yield f"signature {signature!r} has no bytes or a negative offset"

    def _wrong_types(self) -> Iterator[str]:
        if not is_api_version(self.api):
            yield f"api {self.api!r} is not (major, minor)"
        for name in ("name", "title", "reader", "params", "target", "edition"):
            value = getattr(self, name)
            if not isinstance(value, str):
                yield f"{name} is missing" if value is None else f"{name} is {type(value).__name__}, expected str"
        if self.url is not None and not isinstance(self.url, str):
            yield f"url is {type(self.url).__name__}, expected str"
        items: tuple[tuple[str, Any, type[tuple[Any, ...] | frozenset[Any]], type], ...] = (
            ("extensions", self.extensions, tuple, str),
            ("signatures", self.signatures, tuple, Signature),
            ("requires", self.requires, tuple, str),
            ("capabilities", self.capabilities, frozenset, str),
        )
        for name, value, container, item in items:
            if not isinstance(value, container):
                yield f"{name} is {type(value).__name__}, expected {container.__name__}"
            elif not all(isinstance(one, item) for one in value):
                yield f"{name} {value!r} holds something else than {item.__name__}"
        for signature in self.signatures if isinstance(self.signatures, tuple) else ():
            if isinstance(signature, Signature) and not signature.is_typed():
                yield f"signature {signature!r} is not made of bytes and an offset [bytes]"


def _text(value: object) -> str:
    """A value of a field that this core does not know, as text of bounded length."""
    try:
        text = repr(value)
    except Exception:  # whatever a stranger's object does
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 200 else f"{text[:200]}..."


def _closest(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f", known are {', '.join(known)}"
