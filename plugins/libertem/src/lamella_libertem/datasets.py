"""Data sets that are made by calling a class, one for each format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

import lamella
import lamella.io
from lamella.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CLASSES",
    "BufferedBackend",
    "DirectBackend",
    "MMapBackend",
    "OpenedDataSet",
    "get_dataset_cls",
    "get_extensions",
]


class OpenedDataSet(lamella.DataSet):
    """A data set that is opened by calling its class; takes what `lamella.Context.load` takes for the format."""

    filetype: ClassVar[str] = "auto"

    def __init__(self, *arguments: Any, **parameters: Any) -> None:
        self._adopt(lamella.Context().load(self.filetype, *arguments, **parameters))

    def _adopt(self, opened: lamella.DataSet) -> None:
        self.__dict__.update(vars(opened))

    @classmethod
    def of(cls, opened: lamella.DataSet) -> Self:
        """Give an opened data set as one of this class."""
        made = cls.__new__(cls)
        made._adopt(opened)
        return made

    @property
    def _path(self) -> str | None:
        """The file that was named; tests of other packages ask for it."""
        return self.provenance.target

    def initialize(self, executor: object = None) -> Self:
        """Give the data set itself: it is complete."""
        return self

    def set_num_cores(self, cores: int) -> None:
        """Do nothing: partitions are cut for the executor of each run."""

    def check_valid(self) -> bool:
        """Say yes: what is not valid cannot be opened."""
        return True


class MemoryDataSet(OpenedDataSet):
    """An array; with ``datashape`` alone, zeros. What says how it is cut or checked has no effect.

    Parameters
    ----------
    data
        The array, detector axes last.
    sig_dims
        Number of detector axes; two by default.
    datashape
        Shape of an array of zeros, where there is no other.
    num_partitions, nav_shape, sig_shape, sync_offset
        As for all formats.
    tileshape, check_cast, tiledelay, base_shape, force_need_decode, io_backend, array_backends
        Have no effect.
    """

    filetype = "memory"

    def __init__(
        self,
        tileshape: Any = None,
        num_partitions: int | None = None,
        data: Any = None,
        sig_dims: int | None = None,
        check_cast: bool = True,
        tiledelay: float | None = None,
        datashape: Any = None,
        base_shape: Any = None,
        force_need_decode: bool = False,
        io_backend: Any = None,
        nav_shape: Any = None,
        sig_shape: Any = None,
        sync_offset: int | None = 0,
        array_backends: Any = None,
    ) -> None:
        if data is None and datashape is None:
            raise ParameterError("MemoryDataSet needs data= or datashape=", field="data")
        array = np.zeros(tuple(datashape), np.float32) if data is None else data
        given = {"sig_dims": sig_dims, "num_partitions": num_partitions, "nav_shape": nav_shape}
        given |= {"sig_shape": sig_shape, "sync_offset": sync_offset or None}
        super().__init__(
            array if hasattr(array, "shape") else np.asarray(array),
            **{name: value for name, value in given.items() if value is not None},
        )
        self.__dict__["data"] = array

    data: NDArray[Any]
    """The array that was given."""


class MMapBackend(lamella.io.MmapBackend):
    """Reads through mappings; hints about what is read next have no effect."""

    def __init__(self, enable_readahead_hints: bool = False) -> None:
        super().__init__()


class BufferedBackend(lamella.io.BufferedBackend):
    """Reads into buffers, whose size is chosen."""

    def __init__(self, max_buffer_size: int = 16 << 20) -> None:
        super().__init__()


class DirectBackend(lamella.io.DirectBackend):
    """Reads past the cache of the system, into buffers whose size is chosen."""

    def __init__(self, max_buffer_size: int = 16 << 20) -> None:
        super().__init__()


_NAMES = {
    "raw": "RawFileDataSet",
    "raw_csr": "RawCSRDataSet",
    "npy": "NPYDataSet",
    "hdf5": "H5DataSet",
    "mib": "MIBDataSet",
    "blo": "BloDataSet",
    "k2is": "K2ISDataSet",
    "ser": "SERDataSet",
    "frms6": "FRMS6DataSet",
    "empad": "EMPADDataSet",
    "dm": "DMDataSet",
    "seq": "SEQDataSet",
    "mrc": "MRCDataSet",
    "tvips": "TVIPSDataSet",
}
CLASSES: dict[str, type[OpenedDataSet]] = {
    "memory": MemoryDataSet,
    **{name: type(cls, (OpenedDataSet,), {"filetype": name, "__module__": __name__}) for name, cls in _NAMES.items()},
}
"""The class of each format."""

globals().update({cls.__name__: cls for cls in CLASSES.values()})
__all__ += [cls.__name__ for cls in CLASSES.values()]


def get_dataset_cls(filetype: str) -> type[OpenedDataSet]:
    """Give the class of a format, whose name may be written in any case.

    Raises
    ------
    ParameterError
        If there is no such format.
    """
    cls = CLASSES.get(filetype.lower())
    if cls is None:
        text = f"{filetype!r} is none of {', '.join(sorted(CLASSES))}; lamella.open takes all formats"
        raise ParameterError(text, field="filetype")
    return cls


def get_extensions() -> set[str]:
    """Give the file extensions of all formats, without a dot."""
    plugins = lamella.default_registry().plugins()
    return {extension for plugin in plugins if plugin.spec is not None for extension in plugin.spec.extensions}
