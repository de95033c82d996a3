"""The gain map that a user gives: text with semicolons, or a file of MATLAB."""

from __future__ import annotations

import importlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, ParameterError
from lamella.reader import Resource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_gain_map"]

_VARIABLE = "GainMap"
_BYTES_PER_PIXEL = 256  # more than any text or matrix needs


def read_gain_map(path: str, sig_shape: tuple[int, int]) -> NDArray[np.float64]:
    """Read a gain map for images of ``sig_shape``.

    Raises
    ------
    ParameterError
        If there is no such file, it is of another kind, or its shape does not fit.
    CorruptError
        If its content is no map.
    """
    file = Path(path)
    if not file.is_file():
        raise ParameterError(f"there is no file {path}", subject="gain_map")
    resource = Resource.of(file)
    if resource.size > _BYTES_PER_PIXEL * sig_shape[0] * sig_shape[1] + 65536:
        raise CorruptError(f"the file is too long for a gain map of {sig_shape}", path=path)
    if file.suffix.lower() not in (".csv", ".mat"):
        raise ParameterError(f"a gain map is a .csv or a .mat file, found {file.name}", subject="gain_map")
    content = resource.read(0, resource.size)
    gain = _from_matlab(file, content) if file.suffix.lower() == ".mat" else _from_text(file, content)
    if gain.shape != sig_shape:
        remedy = ". Give unbin=True to use a map for the whole detector" if gain.shape[0] > sig_shape[0] else ""
        raise ParameterError(
            f"the map in {file.name} has shape {gain.shape}, frames have {sig_shape}{remedy}", subject="gain_map"
        )
    if not np.isfinite(gain).all():
        raise CorruptError("the gain map holds numbers that are not finite", path=path)
    return gain


def _from_text(file: Path, content: bytes) -> NDArray[np.float64]:
    """Read columns of the detector, one per line; a semicolon may end a line."""
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    try:
        columns = [[float(cell) for cell in line.split(";") if cell.strip()] for line in lines]
    except ValueError as error:
        raise CorruptError(f"the gain map cannot be parsed ({error})", path=file) from error
    columns = [column for column in columns if column]
    if len({len(column) for column in columns}) != 1:
        raise CorruptError("the lines of the gain map differ in length, or there is none", path=file)
    return np.ascontiguousarray(np.array(columns).T)


def _from_matlab(file: Path, content: bytes) -> NDArray[np.float64]:
    try:
        matlab: Any = importlib.import_module("scipy.io")
    except ImportError as error:
        raise ParameterError(
            "reading .mat files needs SciPy: pip install 'lamella-frms6[mat]'", subject="gain_map"
        ) from error
    try:
        gain = matlab.loadmat(BytesIO(content), variable_names=[_VARIABLE]).get(_VARIABLE)
    except MemoryError:
        raise
    except Exception as error:  # loadmat raises almost anything on damaged files
        raise CorruptError(f"the file cannot be read ({type(error).__name__}: {error})", path=file) from error
    if not isinstance(gain, np.ndarray) or gain.ndim != 2 or gain.dtype.kind not in "iufb":
        raise CorruptError("there is no gain map in the file", path=file, expected=f"a matrix called {_VARIABLE}")
    return np.ascontiguousarray(gain, dtype=np.float64)
