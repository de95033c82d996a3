"""What a user can say about a Dask array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from lamella.errors import ParameterError
from lamella.format import Param

__all__ = ["DaskParams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DaskParams:
    """Parameters of Dask arrays; none is needed if the last two axes are the detector."""

    sig_dims: Annotated[int | None, Param(doc="Number of detector axes; 2 by default.", ge=1)] = None
    sig_axes: Annotated[
        tuple[int | str, ...] | None,
        Param(
            doc="Which axes of the array are the detector, by number or, for xarray, by name; the last ones by default."
        ),
    ] = None
    cache: Annotated[
        int | None,
        Param(
            doc="Size of computed blocks that a worker keeps; its part of a quarter of the memory by default, at least "
            "512 MiB.",
            unit="bytes",
            ge=0,
        ),
    ] = None
    scheduler: Annotated[
        Any,
        Param(
            doc="Scheduler of Dask that computes a block, as for array.compute(scheduler=...); by default the worker "
            "that needs it.",
            kind="object",
            cli=False,
        ),
    ] = None
    preserve_dimensions: Annotated[
        bool | None, Param(doc="Accepted for LiberTEM scripts, without effect: axes are never merged here.", cli=False)
    ] = None
    min_size: Annotated[
        int | None,
        Param(
            doc="Accepted for LiberTEM scripts, without effect: blocks are never merged here.", unit="bytes", cli=False
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.sig_dims and self.sig_axes and self.sig_dims != len(self.sig_axes):
            raise ParameterError(
                f"these do not agree about the number of detector axes: sig_dims {self.sig_dims}, sig_axes "
                f"{self.sig_axes}",
                field="sig_dims",
            )

    @property
    def wanted_sig_dims(self) -> int:
        """The number of detector axes."""
        return self.sig_dims or len(self.sig_axes or ()) or 2
