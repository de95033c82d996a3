"""Opens HDF5 files: chooses the data set, and the fastest way to its pixels."""

from __future__ import annotations

import math
import re
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import CorruptError, FormatError, ParameterError, UnsupportedError
from lamella.reader import (
    Axis,
    Caution,
    Confidence,
    Encoding,
    FrameSource,
    LinearSource,
    Match,
    Resource,
    RunTable,
    SourceInfo,
    square_scan,
)
from lamella_hdf5.choose import choose
from lamella_hdf5.library import opened, refuse_if_in_use, translated
from lamella_hdf5.links import Elsewhere
from lamella_hdf5.parts import Place, transposed_source
from lamella_hdf5.pieces import pieces_of
from lamella_hdf5.rehearsal import rehearse
from lamella_hdf5.source import ScanSource
from lamella_hdf5.stored import Piece, Stored, check_frame
from lamella_hdf5.superblock import begins_well, find_signature, read_superblock
from lamella_hdf5.tree import datasets, raw_metadata, walk
from lamella_hdf5.values import printable
from lamella_hdf5.written import written_frames

if TYPE_CHECKING:
    from lamella.reader import Probe
    from lamella_hdf5.choice import Choice
    from lamella_hdf5.params import Hdf5Params
    from lamella_hdf5.superblock import Superblock

__all__ = ["Hdf5Reader", "describe_scan"]

_distrusted: set[tuple[str, int, int]] = set()
_MOST_DISTRUSTED = 1024
_LISTED = 20
_MOST_MISSING = 1 << 26
_NUMBERED = re.compile(r"(axis|dim|nav)\d+")
"""Names of axes that say no more than their number."""
"""Frames that may be missing before one that is there."""


class Hdf5Reader:
    """Reads any HDF5 file that holds frames."""

    def detect(self, probe: Probe) -> Match | None:
        """Look for the signature, without libhdf5."""
        offset = find_signature(probe)
        if offset is None:
            return None
        text = f"the signature of HDF5 at byte {offset}"
        if not begins_well(probe, offset):
            return Match(Confidence.SIGNATURE, f"{text}, but no superblock of a known version")
        return Match(Confidence.MAGIC, text)

    def open(self, params: Hdf5Params, probe: Probe) -> LinearSource | FrameSource:
        """Describe the scan; a suspicious file goes to a child process first."""
        superblock = _superblock(probe)
        key = (str(probe.path), probe.size, probe.mtime_ns)
        suspicious = bool(superblock.odd) or key in _distrusted
        if params.isolate == "always" or (params.isolate == "auto" and suspicious):
            rehearse(probe, params, describe_scan)
        try:
            return describe_scan(probe, params)
        except FormatError as error:
            if isinstance(error, CorruptError) and len(_distrusted) < _MOST_DISTRUSTED:
                _distrusted.add(key)
            raise


def _superblock(probe: Probe) -> Superblock:
    try:
        return read_superblock(probe)
    except FormatError as error:
        refuse_if_in_use(probe.path, error)
        raise


def describe_scan(probe: Probe, params: Hdf5Params) -> LinearSource | FrameSource:
    """Describe the scan that a file holds.

    Raises
    ------
    FormatError
        If it holds none, or is damaged.
    """
    assert probe.path is not None
    elsewhere = Elsewhere(probe.path, params.external)
    with ExitStack() as files, translated(probe.path, "reading what the file holds"):
        root = files.enter_context(opened(probe.path))
        items = list(walk(root))
        choice = choose(root, items, params, elsewhere, files)
        home = choice.elsewhere or elsewhere
        pieces = choice.pieces or pieces_of(choice.dataset, home, fast=params.fast)
        name = choice.dataset.name if choice.dataset is not None else ""
        raw = raw_metadata(root, items)
        if choice.described:
            raw["described"] = dict(choice.described)
        others = [f"{printable(path)} {tuple(item.shape)} {item.dtype}" for path, item in datasets(items)[:_LISTED]]
    return _source(probe, params, choice, pieces, name, raw, others, tuple(home.missing))


def _source(
    probe: Probe,
    params: Hdf5Params,
    choice: Choice,
    pieces: tuple[Piece, ...],
    name: str,
    raw: dict[str, Any],
    others: list[str],
    absent: tuple[str, ...],
) -> LinearSource | FrameSource:
    present = [piece for piece in pieces if piece.stored is not None]
    if not present:
        raise FormatError(
            "all files with frames of this data set are missing",
            path=probe.path,
            expected=_few(absent) or None,
            remedy="Put them beside this file",
        )
    stored = present[0].stored
    assert stored is not None
    choice = _with_colours(choice, stored)
    nav_axes, sig_axes = _roles(len(stored.shape), params, choice)
    shape = stored.shape
    sig_shape = tuple(shape[axis] for axis in sig_axes)
    items = sum(piece.count for piece in pieces)
    if nav_axes[:1] != (0,) and (len(pieces) > 1 or items != shape[0]):
        raise UnsupportedError("a scan in several pieces begins with the scan axes", path=probe.path)
    nav_shape = tuple(items if axis == 0 else shape[axis] for axis in nav_axes)
    if math.prod(sig_shape) == 0 or math.prod(nav_shape) == 0:
        raise FormatError(
            "the data set holds no frames", path=probe.path, found=f"shape {shape}", remedy="Name another with ds_path="
        )
    check_frame(stored, math.prod(sig_shape) * stored.dtype.itemsize)
    per_item = math.prod(nav_shape[1:]) if nav_axes[:1] == (0,) else math.prod(nav_shape)
    steps = math.prod(nav_shape)
    missing = sum(piece.count for piece in pieces if piece.stored is None) * per_item
    index = _index(pieces, per_item, probe) if missing else written_frames(pieces, nav_axes)
    ways = sorted({_way(piece) for piece in present})
    notes = list(choice.notes)
    if missing:
        if not choice.pieces:  # else the convention says it
            named = f" ({_few(absent)})" if absent else ""
            text = f"{missing} of {steps} frames are in files that are not there{named}; they are missing"
            notes.append(Caution(text))
    elif index is not None:
        lost = steps - int(np.count_nonzero(index >= 0))
        notes.append(Caution(f"{lost} of {steps} frames were never written; they are missing"))
    info = SourceInfo(
        nav_shape=choice.nav_shape or (nav_shape or None),
        nav_origin=choice.nav_origin or "shape of the data set",
        nav_alternatives=_alternatives(choice, nav_shape),
        index=index,
        nav_axes=_nav_axes(choice, nav_axes),
        sig_axes=tuple(choice.axes.get(axis, _plain(i, len(sig_axes))) for i, axis in enumerate(sig_axes))
        if any(axis in choice.axes for axis in sig_axes)
        else (),
        metadata=choice.metadata,
        raw_metadata=raw,
        corrections=choice.corrections,
        notes=tuple(notes),
        details={
            "convention": choice.convention,
            "data set": printable(name or stored.name),
            "layout": "; ".join(ways),
            "chunks": list(stored.chunks),
            "filters": [step.name for step in stored.filters],
            "data sets": others,
        },
    )
    resources = _resources(probe, present, choice)
    linear = _linear(present, nav_axes, sig_axes, info, resources)
    if linear is not None:
        return linear
    if len(present) == 1 and stored.how == "contiguous":
        own = [resource.path for resource in resources].index(stored.path)
        return transposed_source(Place(present[0], nav_axes, sig_axes, resources, own), info)
    return ScanSource(present, nav_axes, sig_axes, info, resources)


def _with_colours(choice: Choice, stored: Stored) -> Choice:
    """Give the choice of a data set of pictures: the channels are the last axis of each frame."""
    if not stored.colours:
        return choice
    last = len(stored.shape) - 1
    sig_axes = choice.sig_axes if choice.sig_axes is not None else tuple(range(max(0, last - 2), last))
    note = f"this is a picture: its last axis holds {', '.join(stored.colours)}, which are no counts"
    name = "".join(stored.colours).lower()
    return replace(
        choice, sig_axes=(*sig_axes, last), axes={**choice.axes, last: Axis(name)}, notes=(*choice.notes, note)
    )


def _roles(ndim: int, params: Hdf5Params, choice: Choice) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give the axes of the scan and those of the detector."""
    order = tuple(reversed(range(ndim))) if params.reverse_axes else tuple(range(ndim))
    if params.sig_axes is not None:
        wanted = [axis % ndim if -ndim <= axis < ndim else -1 for axis in params.sig_axes]
        if -1 in wanted or len(set(wanted)) < len(wanted):
            raise ParameterError(
                f"sig_axes {params.sig_axes} are not distinct axes of a data set of {ndim} axes", field="sig_axes"
            )
        sig = tuple(order[axis] for axis in wanted)
    elif params.sig_dims is None and choice.sig_axes is not None and not params.reverse_axes:
        sig = choice.sig_axes
    else:
        dims = params.sig_dims or min(2, ndim)
        if dims > ndim:
            raise ParameterError(
                f"a data set of {ndim} axes has no {dims} detector axes; give sig_dims={ndim} or fewer",
                field="sig_dims",
            )
        sig = order[ndim - dims :]
    return tuple(axis for axis in order if axis not in sig), sig


def _nav_axes(choice: Choice, nav_axes: tuple[int, ...]) -> tuple[Axis, ...]:
    if choice.nav_axes_known:
        return choice.nav_axes_known
    if choice.nav_shape is not None or not any(axis in choice.axes for axis in nav_axes):
        return ()
    axes = tuple(choice.axes.get(axis, Axis(f"nav{i}")) for i, axis in enumerate(nav_axes))
    return (replace(axes[0], name="frame"),) if len(axes) == 1 and _NUMBERED.fullmatch(axes[0].name) else axes


def _plain(i: int, n: int) -> Axis:
    return Axis(("ky", "kx")[i] if n == 2 else f"sig{i}")


def _alternatives(choice: Choice, nav_shape: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], str], ...]:
    if choice.nav_shape is not None or len(nav_shape) != 1:
        return ()
    return square_scan(nav_shape[0])


def _index(pieces: tuple[Piece, ...], per_item: int, probe: Probe) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Give the stored frame of every step up to the last one that is there, -1 where its file is missing."""
    last = max(i for i, piece in enumerate(pieces) if piece.stored is not None)
    pieces = pieces[: last + 1]
    missing = sum(piece.count for piece in pieces if piece.stored is None) * per_item
    if missing > _MOST_MISSING:
        raise CorruptError(
            "the files that are there lie too far apart",
            path=probe.path,
            expected=f"at most {_MOST_MISSING} missing frames before them",
            found=missing,
        )
    present = np.concatenate([np.full(piece.count * per_item, piece.stored is not None) for piece in pieces])
    return np.where(present, np.cumsum(present) - 1, -1).astype(np.int64)


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(map(printable, names[:4])) + (" ..." if len(names) > 4 else "")


def _way(piece: Piece) -> str:
    stored = piece.stored
    assert stored is not None
    return {
        "contiguous": "contiguous, read directly",
        "chunks": "chunks, read directly",
        "fill": "never written: fill values",
        "mosaic": "put together from its sources",
        "h5py": f"read through h5py, which is slower: {stored.why}",
    }[stored.how]


def _resources(probe: Probe, present: list[Piece], choice: Choice) -> tuple[Resource, ...]:
    own = probe.resource
    paths = [
        own.path,
        *(path for piece in present if piece.stored is not None for path in piece.stored.paths),
        *choice.files,
    ]
    return tuple(own if path == own.path else Resource.of(path) for path in dict.fromkeys(paths))


def _linear(
    present: list[Piece],
    nav_axes: tuple[int, ...],
    sig_axes: tuple[int, ...],
    info: SourceInfo,
    resources: tuple[Resource, ...],
) -> LinearSource | None:
    """Give frames as runs in files, if they lie like that."""
    if any(piece.stored is None or piece.stored.how != "contiguous" for piece in present):
        return None
    stored = present[0].stored
    assert stored is not None
    if nav_axes != tuple(range(len(nav_axes))):
        return None
    strides = [stored.dtype.itemsize]
    for length in reversed(stored.shape[1:]):
        strides.append(strides[-1] * length)
    strides.reverse()
    sig_shape = tuple(stored.shape[axis] for axis in sig_axes)
    frame = math.prod(sig_shape) * stored.dtype.itemsize
    places = {resource.path: i for i, resource in enumerate(resources)}
    per_item = math.prod(stored.shape[1 : len(nav_axes)])
    rows = [
        (
            places[piece.stored.path],
            piece.stored.offset + piece.skip * per_item * frame,
            frame,
            piece.count * per_item if nav_axes else 1,
        )
        for piece in present
        if piece.stored is not None
    ]
    encoding = Encoding(stored.dtype, sig_shape, strides=tuple(strides[axis] for axis in sig_axes))
    return LinearSource(resources=resources, runs=RunTable(*zip(*rows, strict=True)), encoding=encoding, info=info)
