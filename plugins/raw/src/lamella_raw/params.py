"""What a user has to say about a file that says nothing about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lamella.format import Param

_MOST = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RawParams:
    """Parameters of raw binary files.

    The bytes are: ``file_header``, then for each frame ``frame_header``, its rows with ``row_padding`` after each of
    them, ``frame_footer``. What ImageJ calls "gap between images" is ``frame_footer``.
    """

    dtype: Annotated[
        str, Param(doc='Stored dtype of a pixel with its byte order, such as "uint16" or ">u2".', kind="dtype")
    ]
    sig_shape: Annotated[
        tuple[int, ...], Param(doc="Shape of one frame, fast axis last: (height, width).", unit="px", ge=1)
    ]
    file_header: Annotated[int, Param(doc="Bytes before the first frame.", unit="B", ge=0, le=_MOST)] = 0
    frame_header: Annotated[int, Param(doc="Bytes before the pixels of each frame.", unit="B", ge=0, le=_MOST)] = 0
    frame_footer: Annotated[int, Param(doc="Bytes after the pixels of each frame.", unit="B", ge=0, le=_MOST)] = 0
    row_padding: Annotated[
        int, Param(doc="Bytes after each row, that is after each run along the fast axis.", unit="B", ge=0, le=_MOST)
    ] = 0
    sig_order: Annotated[
        Literal["C", "F"],
        Param(doc='Order of pixels within a frame: "C" with the last axis fast, "F" with the first axis fast.'),
    ] = "C"
    n_frames: Annotated[int | None, Param(doc="Frames to use at most; all complete ones by default.", ge=1)] = None
