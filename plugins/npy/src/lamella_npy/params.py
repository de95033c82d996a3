"""What a user can say about an .npy file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lamella.errors import ParameterError
from lamella.format import Param


@dataclass(frozen=True, slots=True, kw_only=True)
class NpyParams:
    """Parameters of .npy and .npz files; none is needed for a stack of two-dimensional frames."""

    sig_dims: Annotated[
        int | None,
        Param(doc="Number of detector axes, which come last; as many as sig_shape has, or 2, by default.", ge=1),
    ] = None
    sig_shape: Annotated[
        tuple[int, ...] | None,
        Param(
            doc="Shape of one frame; the last axes of the array by default. Of another size, it cuts the stored pixels "
            "into frames anew.",
            unit="px",
            ge=1,
        ),
    ] = None

    name: Annotated[
        str | None,
        Param(
            doc="Which array of an .npz archive to open, if it holds several; also the label of the data set, as for "
            "other formats."
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.sig_dims is not None and self.sig_shape is not None and len(self.sig_shape) != self.sig_dims:
            raise ParameterError(
                f"sig_dims is {self.sig_dims}, but sig_shape {self.sig_shape} has another number of axes",
                field="sig_dims",
            )

    @property
    def wanted_sig_dims(self) -> int:
        """The number of detector axes."""
        return self.sig_dims or (2 if self.sig_shape is None else len(self.sig_shape))
