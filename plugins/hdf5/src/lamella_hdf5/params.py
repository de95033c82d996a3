"""What a user can say about an HDF5 file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lamella.errors import ParameterError
from lamella.format import Param

__all__ = ["Hdf5Params"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hdf5Params:
    """Parameters of HDF5 files; none is needed where the file follows a known convention."""

    ds_path: Annotated[
        str | None,
        Param(doc='Path of the data set within the file, such as "/entry/data/data"; found by convention by default.'),
    ] = None
    sig_dims: Annotated[
        int | None,
        Param(
            doc="Number of detector axes, the last ones of the data set; what the file says by default, else 2.", ge=1
        ),
    ] = None
    sig_axes: Annotated[
        tuple[int, ...] | None,
        Param(doc="Which axes of the data set are the detector; the last ones, or what the file says, by default."),
    ] = None
    reverse_axes: Annotated[
        bool, Param(doc="Take the axes in reverse order, which is how MATLAB shows its v7.3 files.")
    ] = False
    external: Annotated[
        Literal["folder", "anywhere", "never"],
        Param(
            doc="Where other files that this one names may lie (external links, external storage, virtual sources): "
            "in its folder and below, anywhere, or nowhere."
        ),
    ] = "folder"
    isolate: Annotated[
        Literal["auto", "always", "never"],
        Param(
            doc="Whether a child process parses the file first, so that a crash of libhdf5 on a damaged file "
            "does not end this process: only if something looks wrong, always, or never."
        ),
    ] = "auto"
    fast: Annotated[
        bool,
        Param(doc="Read stored bytes directly where the layout allows it; False reads all pixels through h5py."),
    ] = True

    def __post_init__(self) -> None:
        if self.sig_axes is not None and self.sig_dims not in (None, len(self.sig_axes)):
            raise ParameterError(
                f"sig_axes {self.sig_axes} and sig_dims {self.sig_dims} do not agree", field="sig_axes"
            )
