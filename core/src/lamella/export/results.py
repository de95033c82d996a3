"""Results as files, with one call: arrays as npz, numbers as TIFF, pictures as PNG."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np

from lamella.errors import ParameterError
from lamella.export.atomic import written_at_once
from lamella.export.images import tiff_bytes
from lamella.plot.pictures import picture
from lamella.plot.png import png_bytes
from lamella.system.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["save_results"]


def save_results(
    results: Mapping[str, Any], path: str | os.PathLike[str], *, overwrite: bool = False
) -> tuple[Path, ...]:
    """Write results to the kind of file that the extension names.

    Parameters
    ----------
    results
        What `Context.run_udf` or `Context.run` gave, or any arrays by name.
    path
        ``.npz`` for all arrays as they are; ``.tif`` for the real images among them, one page each; ``.png`` for
        pictures, one file each, named after the result.
    overwrite
        Replace files that exist.

    Returns
    -------
    tuple of pathlib.Path
        The files.

    Raises
    ------
    FileExistsError
        If a file exists.
    ParameterError
        If the extension is another one, or no result fits it.

    Examples
    --------
    >>> written = save_results({"total": np.ones((8, 8), dtype=np.float32)}, "sum.tif")
    >>> [path.name for path in written]
    ['sum.tif']
    """
    target = Path(path)
    arrays = {name: np.asarray(getattr(value, "data", value)) for name, value in results.items()}
    kind = target.suffix.lower()
    if kind == ".npz":
        return (_put(target, None, arrays, overwrite),)
    images = {name: np.atleast_2d(array) for name, array in arrays.items() if array.ndim in (1, 2)}
    if kind in (".tif", ".tiff"):
        pages = [(name, _real(image)) for name, image in images.items() if image.dtype.kind in "buif"]
        return (_put(target, tiff_bytes(_some(pages, target)), arrays, overwrite),)
    if kind == ".png":
        named = [(target.with_stem(f"{target.stem}_{name}"), image) for name, image in images.items()]
        return tuple(_put(file, png_bytes(picture(image)), arrays, overwrite) for file, image in _some(named, target))
    raise ParameterError(
        f"results cannot be written as {kind or 'a file without extension'}, only .npz, .tif and .png", field="path"
    )


def _real(image: NDArray[Any]) -> NDArray[Any]:
    return image.astype(np.uint8) if image.dtype.kind == "b" else image


def _some(images: list[Any], path: Path) -> list[Any]:
    if not images:
        raise ParameterError(f"there is no image among the results; {path.with_suffix('.npz').name} can hold them")
    return images


def _put(path: Path, content: bytes | None, arrays: Mapping[str, NDArray[Any]], overwrite: bool) -> Path:
    """Write bytes, or all arrays."""
    if path.exists() and not overwrite:
        raise FileExistsError(f"{printable(path)} exists; give overwrite=True to replace it")
    with written_at_once(path.absolute()) as partial, partial.open("wb") as file:
        if content is None:
            _archive(file, arrays)
        else:
            file.write(content)
    return path


def _archive(file: IO[bytes], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as `numpy.savez` does, which takes some names for options, and pickles objects in NumPy 1."""
    with ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
