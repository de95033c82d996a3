"""What a user can say about an array."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from lamella.errors import ParameterError
from lamella.format import Param


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryParams:
    """Parameters of arrays; none is needed if the last two axes are the detector."""

    sig_dims: Annotated[
        int | None,
        Param(
            doc="Number of detector axes; by default as many as sig_shape has, or what nav_shape leaves, or 2 (1 for "
            "SciPy sparse matrices, whose rows are frames).",
            ge=1,
        ),
    ] = None
    sig_axes: Annotated[
        tuple[int, ...] | None, Param(doc="Which axes of the array are the detector; the last ones by default.")
    ] = None
    sig_shape: Annotated[tuple[int, ...] | None, Param(doc="Shape of one frame.", unit="px", ge=1)] = None
    nav_shape: Annotated[
        tuple[int, ...] | None, Param(doc="Shape of the scan; the first axes of the array by default.", ge=1)
    ] = None

    def __post_init__(self) -> None:
        counts = {
            "sig_dims": self.sig_dims,
            "sig_axes": self.sig_axes and len(self.sig_axes),
            "sig_shape": self.sig_shape and len(self.sig_shape),
        }
        given = {name: count for name, count in counts.items() if count}
        if len(set(given.values())) > 1:
            told = ", ".join(f"{name} {getattr(self, name)}" for name in given)
            raise ParameterError(
                f"these do not agree about the number of detector axes: {told}", field=next(iter(given))
            )

    def wanted_sig_dims(self, shape: tuple[int, ...], default: int) -> int:
        """Give the number of detector axes of an array of ``shape``."""
        for told in (self.sig_dims, self.sig_axes and len(self.sig_axes), self.sig_shape and len(self.sig_shape)):
            if told:
                return told
        if self.nav_shape is None or len(self.nav_shape) >= len(shape):
            return default
        # What nav_shape leaves, if that is a scan of its size and the usual detector is not: (64, 1024) with (64,).
        # Otherwise nav_shape is a new shape for the usual scan: (64, 256, 256) with (8, 8).
        rest = len(shape) - len(self.nav_shape)
        positions = [math.prod(shape[: max(0, len(shape) - dims)]) for dims in (default, rest)]
        wanted = math.prod(self.nav_shape)
        fits_rest_only = positions[1] == wanted != positions[0]
        return rest if fits_rest_only or len(shape) <= default else default
