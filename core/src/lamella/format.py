"""What a format plugin declares about itself. Imports the standard library only, so that discovery is free."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

__all__ = ["API_VERSION", "Capability", "FormatSpec", "Param", "Signature"]

API_VERSION = (1, 0)
"""The plugin API of this core: the major number changes when a plugin must change."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Bytes that a file of the format carries at a fixed offset [bytes]."""

    magic: bytes
    offset: int = 0

    def matches(self, head: bytes) -> bool:
        """Whether ``head``, the first bytes of a file, carries this signature."""
        return head[self.offset : self.offset + len(self.magic)] == self.magic


class Capability(StrEnum):
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

    ``doc`` is one sentence; ``ge``, ``gt``, ``le``, ``lt`` bound numbers and each item of a tuple;
    ``kind="dtype"`` accepts whatever NumPy calls a dtype and stores its string;
    ``cli=False`` keeps a parameter that cannot be typed in a shell off the command line.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatSpec:
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

    def problems(self) -> Iterator[str]:
        """What is wrong with the declaration itself; nothing for a valid one."""
        if not self.name.isidentifier() or self.name != self.name.lower():
            yield f"name {self.name!r} is not a lower-case identifier"
        if not self.title.strip():
            yield "title is empty"
        if len(self.api) != 2 or not all(isinstance(part, int) and part >= 0 for part in self.api):
            yield f"api {self.api!r} is not (major, minor)"
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
