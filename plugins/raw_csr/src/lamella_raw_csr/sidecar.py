"""The TOML file that describes the three arrays.

::

    [params]
    filetype = "raw_csr"
    nav_shape = [512, 512]
    sig_shape = [516, 516]

    [raw_csr]
    indptr_file = "rowind.dat"
    indptr_dtype = "<i4"
    indices_file = "coords.dat"
    indices_dtype = "<i4"
    data_file = "values.dat"
    data_dtype = "<i4"
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, TruncatedError
from lamella.reader import Resource, decoded_text

if TYPE_CHECKING:
    from lamella.reader import Probe

__all__ = ["Array", "Description", "read_description", "table_of"]

_LARGEST = 1 << 20
_MOST_PIXELS = 1 << 31


@dataclass(frozen=True, slots=True)
class Array:
    """One of the three files, the dtype of its numbers, and how many there are."""

    resource: Resource
    dtype: np.dtype[Any]

    @property
    def length(self) -> int:
        """The number of numbers."""
        return self.resource.size // self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Description:
    """What the TOML says, checked."""

    nav_shape: tuple[int, ...]
    sig_shape: tuple[int, ...]
    indptr: Array
    indices: Array
    data: Array
    table: Mapping[str, Any]


def table_of(probe: Probe) -> dict[str, Any] | None:
    """Give the content of a TOML file of this format, None for any other file; it is parsed once."""
    return probe.once("raw_csr table", _parse)


def _parse(probe: Probe) -> dict[str, Any] | None:
    if probe.path is None or probe.size > _LARGEST:
        return None
    content = probe.head if probe.size <= len(probe.head) else probe.read(0, probe.size)
    if b"filetype" not in content:
        return None
    import tomllib  # seldom needed, and every file of no signature comes this way

    try:
        table = tomllib.loads(decoded_text(content))
        repr(table)  # fails where a number is too long to be told; those of TOML have 64 bits
    except (ValueError, RecursionError):
        return None
    params = table.get("params")
    kind = params.get("filetype") if isinstance(params, dict) else None
    return table if isinstance(kind, str) and kind.lower() == "raw_csr" else None


def read_description(probe: Probe, *, elsewhere: bool) -> Description:
    """Check what the TOML says against the files.

    Raises
    ------
    FormatError
        If a key is missing or wrong, or a file is not there or has the wrong size.
    """
    table = table_of(probe)
    if table is None:
        raise CorruptError(
            "this is not a description of CSR arrays",
            path=probe.path,
            expected='TOML with filetype = "raw_csr" in [params]',
            found=f"{probe.head[:40]!r}",
        )
    section = next((table[name] for name in table if name.lower() == "raw_csr"), None)
    if not isinstance(section, dict):
        raise CorruptError("the section [raw_csr] is missing", path=probe.path, found=f"sections {', '.join(table)}")
    arrays = {kind: _array(probe, section, kind, elsewhere=elsewhere) for kind in ("indptr", "indices", "data")}
    for kind in ("indptr", "indices"):
        if arrays[kind].dtype.kind not in "iu":
            raise CorruptError(
                f"{kind}_dtype is wrong", path=probe.path, expected="integers", found=arrays[kind].dtype.str
            )
    found = Description(
        nav_shape=_shape(probe, table, "nav_shape"),
        sig_shape=_shape(probe, table, "sig_shape"),
        table=table,
        **arrays,
    )
    longest = max(found.indices.length, found.data.length)
    for array in (found.indices, found.data):
        if array.length < longest:
            raise TruncatedError(
                "indices and data have different lengths: this file was cut, or one of the dtypes is wrong",
                path=array.resource.path,
                expected=f"{longest * array.dtype.itemsize} bytes for {longest} events",
                found=f"{array.resource.size} bytes",
            )
    return found


def _shape(probe: Probe, table: Mapping[str, Any], name: str) -> tuple[int, ...]:
    value = table["params"].get(name)
    right = isinstance(value, list) and value and all(type(n) is int and 0 < n < _MOST_PIXELS for n in value)
    if not right or math.prod(value) >= _MOST_PIXELS << 31:
        raise CorruptError(
            f"{name} in [params] is missing or wrong", path=probe.path, expected="a list of sizes", found=repr(value)
        )
    if name == "sig_shape" and math.prod(value) > _MOST_PIXELS:
        raise CorruptError("frames are absurdly large", path=probe.path, found=f"sig_shape {value}")
    return tuple(value)


def _array(probe: Probe, section: Mapping[str, Any], kind: str, *, elsewhere: bool) -> Array:
    values = {}
    for name in (f"{kind}_file", f"{kind}_dtype"):
        value = section.get(name)
        if not isinstance(value, str) or not value:
            raise CorruptError(f"{name} in [raw_csr] is missing or no text", path=probe.path, found=repr(value))
        values[name] = value
    dtype = _dtype(values[f"{kind}_dtype"], f"{kind}_dtype", probe)
    path = _find(probe, values[f"{kind}_file"], kind, elsewhere=elsewhere)
    resource = Resource.of(path)
    if resource.size % dtype.itemsize:
        raise TruncatedError(
            f"the size of {kind}_file is not a multiple of its dtype, so it was cut or the dtype is wrong",
            path=path,
            expected=f"a multiple of {dtype.itemsize} bytes",
            found=f"{resource.size} bytes",
        )
    return Array(resource, dtype)


def _dtype(text: str, key: str, probe: Probe) -> np.dtype[Any]:
    """Give the dtype of numbers of that name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # some names are deprecated
            dtype = np.dtype(text)
    except (TypeError, ValueError, SyntaxError, Warning):
        raise _no_numbers(text, key, probe) from None
    if dtype.kind not in "biufc" or dtype.itemsize > 16:
        raise _no_numbers(text, key, probe)
    return dtype


def _no_numbers(text: str, key: str, probe: Probe) -> FormatError:
    return CorruptError(f"{key} is not a dtype of numbers", path=probe.path, expected='such as "<i4"', found=text)


def _find(probe: Probe, name: str, kind: str, *, elsewhere: bool) -> Path:
    assert probe.path is not None
    path = probe.path.parent / name if elsewhere else probe.sibling(name)
    if path is not None and path.is_file():
        return path
    outside = Path(name).name != name
    raise FormatError(
        f"{kind}_file is not there" if not outside or elsewhere else f"{kind}_file must be in the folder of the TOML",
        path=probe.path,
        expected=str(probe.path.parent / name),
        remedy="Put it beside the TOML; elsewhere=True allows other folders" if outside else "Put it beside the TOML",
    )
