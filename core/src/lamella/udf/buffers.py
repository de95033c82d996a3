"""What a UDF declares and sees: result buffers, auxiliary data along the scan or the detector, and their views."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from lamella.errors import UDFError
from lamella.system.arrays import as_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["Arrays", "AuxData", "BufferSpec", "Kind", "Namespace", "Use", "Views"]

Kind: TypeAlias = Literal["nav", "sig", "single"]
Use: TypeAlias = Literal["private", "result_only"]
Arrays: TypeAlias = "dict[str, NDArray[Any]]"

_KINDS = ("nav", "sig", "single")


@dataclass(frozen=True, slots=True)
class BufferSpec:
    """The declaration of one result buffer.

    Parameters
    ----------
    kind
        One entry per scan position (``"nav"``), per detector pixel (``"sig"``), or independent of both (``"single"``).
    extra_shape
        Shape of one entry.
    dtype
        Dtype of the buffer.
    use
        ``"private"`` is not part of the result, ``"result_only"`` is made by ``get_results``; None is both.
    """

    kind: Kind
    extra_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    use: Use | None = None

    def shape(self, nav_size: int, sig_shape: Sequence[int]) -> tuple[int, ...]:
        """Give the shape of the buffer for ``nav_size`` selected positions."""
        if self.kind == "nav":
            return (nav_size, *self.extra_shape)
        if self.kind == "sig":
            return (*sig_shape, *self.extra_shape)
        return self.extra_shape or (1,)

    def allocate(self, nav_size: int, sig_shape: Sequence[int]) -> NDArray[Any]:
        """Give a buffer of zeros."""
        return np.zeros(self.shape(nav_size, sig_shape), dtype=self.dtype)

    def nbytes(self, nav_size: int, sig_shape: Sequence[int]) -> int:
        """Give the size of the buffer [bytes]."""
        return math.prod(self.shape(nav_size, sig_shape)) * self.dtype.itemsize


def make_spec(kind: str, extra_shape: Sequence[int], dtype: DTypeLike, use: str | None) -> BufferSpec:
    """Check the arguments of a declaration.

    Raises
    ------
    UDFError
        If the kind or the use is unknown.
    """
    if kind not in _KINDS:
        raise UDFError(f"a buffer of unknown kind {kind!r} was declared; use one of {', '.join(_KINDS)}")
    if use not in (None, "private", "result_only"):
        raise UDFError(f"a buffer of unknown use {use!r} was declared; use None, 'private' or 'result_only'")
    shape = tuple(int(n) for n in extra_shape)
    return BufferSpec(kind, shape, np.dtype(dtype), use)  # type: ignore[arg-type]


class AuxData:
    """Data that accompany the scan: a parameter whose view follows the tile, the frame and the region of interest.

    Made by `lamella.udf.UDF.aux_data`.
    """

    __slots__ = ("data", "spec")

    def __init__(self, data: ArrayLike, spec: BufferSpec) -> None:
        self.data = np.asarray(data, dtype=spec.dtype)
        self.spec = spec

    @property
    def kind(self) -> Kind:
        """``"nav"``, ``"sig"`` or ``"single"``."""
        return self.spec.kind

    @property
    def extra_shape(self) -> tuple[int, ...]:
        """The shape of an entry."""
        return self.spec.extra_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the data."""
        return self.data.dtype

    @property
    def raw_data(self) -> NDArray[Any]:
        """The data; with a flat scan axis where they have an entry per scan position."""
        return self.data.reshape(-1, *self.extra_shape) if self.kind == "nav" else self.data

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return as_array(self.data, dtype, copy)

    def bind(self, nav_shape: Sequence[int], sig_shape: Sequence[int]) -> NDArray[Any]:
        """Give the data in the shape of a buffer over the whole scan, or over the detector.

        Raises
        ------
        UDFError
            If the number of elements does not fit the data set.
        """
        full = self.spec.shape(math.prod(nav_shape), sig_shape)
        if self.data.size != math.prod(full):
            raise UDFError(
                f"auxiliary data of kind {self.spec.kind!r} has {self.data.size} elements, "
                f"the data set needs {math.prod(full)} ({full})"
            )
        return self.data.reshape(full)

    def part(self, nav_shape: Sequence[int], sig_shape: Sequence[int], positions: Any) -> NDArray[Any]:
        """Give the data at flat scan ``positions``, or over the detector; arguments as for `bind`."""
        data = self.bind(nav_shape, sig_shape)
        if self.spec.kind != "nav":
            return data
        if isinstance(positions, range):
            return data[positions.start : positions.stop]
        part: NDArray[Any] = data[positions]
        return part


class Namespace(Mapping[str, Any]):
    """Values by attribute and by item, free to be changed."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"there is no {name!r} here, only {', '.join(self.__dict__) or 'nothing'}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.__dict__)})"


class Views(Namespace):
    """Arrays by attribute and by item; an assignment writes into the array, so ``views.x += 1`` does what it says.

    Parameters
    ----------
    values
        The arrays.
    unmade
        Names of buffers that do not exist yet: they read as None.
    """

    __slots__ = ("_unmade",)  # beside the arrays, which are all that is iterated over
    _unmade: frozenset[str]

    def __init__(self, values: Mapping[str, Any], unmade: Iterable[str] = ()) -> None:
        super().__init__(values)
        object.__setattr__(self, "_unmade", frozenset(unmade))

    def __getattr__(self, name: str) -> Any:
        return None if name in self._unmade else super().__getattr__(name)

    def __getitem__(self, name: str) -> Any:
        return None if name in self._unmade else super().__getitem__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.__dict__:
            raise UDFError(f"no result buffer is called {name!r}; declared: {', '.join(self.__dict__)}")
        target = self.__dict__[name]
        if target is not value:
            target[...] = value
