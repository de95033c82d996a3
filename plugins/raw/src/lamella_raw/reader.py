"""Reads files that hold nothing but frames, one after the other."""

from __future__ import annotations

import math

import numpy as np

from lamella.reader import Caution, Confidence, Encoding, LinearSource, Match, Probe, Resource, RunTable, SourceInfo
from lamella_raw import spec
from lamella_raw.params import RawParams
from lamella_raw.sidecar import find_sidecar, unread_sidecars

_USUAL_SIDES = (32, 64, 96, 128, 144, 192, 256, 384, 512, 516, 768, 960, 1024, 1536, 2048, 3072, 4096)


class RawReader:
    """Finds frames by arithmetic; recognises a file only by its sidecar or its extension."""

    def detect(self, probe: Probe) -> Match | None:
        """Take the parameters from a sidecar; otherwise say what the user has to give."""
        sidecar = probe.once("raw sidecar", find_sidecar)
        if sidecar is not None:
            origin = dict.fromkeys(sidecar.params, f"sidecar {sidecar.path.name}")
            return Match(Confidence.VERIFIED, f"described by {sidecar.path.name}", sidecar.params, origin=origin)
        if probe.suffix in spec.extensions:
            return Match(
                Confidence.EXTENSION, f"called .{probe.suffix}, like any raw file", missing=("dtype", "sig_shape")
            )
        return None

    def open(self, params: RawParams, probe: Probe) -> LinearSource:
        """Count the frames that the file has room for."""
        resource = _data_file(probe)
        encoding = _encoding(params)
        stride = params.frame_header + _frame_nbytes(params) + params.frame_footer
        suggestion = _suggestion(resource.size - params.file_header, params)
        runs, notes = RunTable.that_fit(
            resource,
            offset=params.file_header,
            stride=stride,
            frame_header=params.frame_header,
            nbytes=params.frame_header + encoding.extent()[1],  # the last frame may end behind its last pixel
            remedy=f"Check dtype and sig_shape, which give {_frame_text(params)}{suggestion}",
        )
        if params.n_frames is not None and params.n_frames <= runs.n_frames:
            offset = params.file_header + params.frame_header
            runs, notes = RunTable.single(offset=offset, stride=stride, count=params.n_frames), ()
        return LinearSource(
            resources=(resource,),
            runs=runs,
            encoding=encoding,
            info=SourceInfo(
                notes=(
                    *(
                        Caution(f"{note}: it was cut, or it has a footer, or dtype or sig_shape is wrong{suggestion}")
                        for note in notes
                    ),
                    *unread_sidecars(probe),
                ),
                details={"stored dtype": params.dtype, "bytes from frame to frame": stride},
            ),
        )


def _data_file(probe: Probe) -> Resource:
    sidecar = probe.once("raw sidecar", find_sidecar) if probe.suffix == "toml" else None
    return probe.resource if sidecar is None else Resource.of(sidecar.data_file(probe))


def _encoding(params: RawParams) -> Encoding:
    dtype = np.dtype(params.dtype)
    # Axes from fast to slow: pixels lie side by side along the first, padded rows along the others.
    axes = range(len(params.sig_shape))
    strides = dict.fromkeys(axes, dtype.itemsize)
    step = dtype.itemsize
    for i, axis in enumerate(axes if params.sig_order == "F" else reversed(axes)):
        strides[axis] = step
        step = step * params.sig_shape[axis] + (params.row_padding if i == 0 else 0)
    return Encoding(dtype, params.sig_shape, strides=tuple(strides.values()))


def _frame_nbytes(params: RawParams) -> int:
    row = params.sig_shape[0 if params.sig_order == "F" else -1]
    rows = math.prod(params.sig_shape) // row
    return rows * (row * np.dtype(params.dtype).itemsize + params.row_padding)


def _frame_text(params: RawParams) -> str:
    return f"a frame of {'x'.join(map(str, params.sig_shape))} {np.dtype(params.dtype)}"


def _suggestion(body: int, params: RawParams) -> str:
    """Name square frames that would fill the file without a rest, those most like the given ones first."""
    given = np.dtype(params.dtype).itemsize
    gap = params.frame_header + params.frame_footer
    wanted = math.log(math.prod(params.sig_shape))
    fits = [
        (itemsize != given, abs(math.log(side * side) - wanted), side, itemsize)
        for itemsize in dict.fromkeys((given, 1, 2, 4))
        for side in _USUAL_SIDES
        if body > 0 and body % (side * (side * itemsize + params.row_padding) + gap) == 0
    ]
    texts = [f"({side}, {side}) of {8 * itemsize} bit" for _, _, side, itemsize in sorted(fits)[:4]]
    return f". These would fit: {', '.join(texts)}" if texts else ""
