"""Level 1: pixels that come out wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.reader import Encoding, FrameSource, LinearSource, Probe, Resource, RunTable, SourceInfo
from wrong_readers.catalogue import mistake
from wrong_readers.toy_reader import ToyFrames, ToyParams, ToyProceduralReader, ToyReader

Source = LinearSource | FrameSource
Layout = tuple[tuple[Resource, ...], RunTable]


@mistake("frames begin one row late", check="full_read_equals_what_was_written", level=1)
class OffByOneRow(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        row = encoding.strides[0]
        first = np.where(np.arange(len(runs)) == 0, runs.offset - min(row, 8), runs.offset)
        return super().source(resources, RunTable(runs.resource, first, runs.stride, runs.count), encoding, info)


@mistake("height and width of the detector are exchanged", check="shape_and_dtype_are_right", level=1)
class DetectorSwapped(ToyReader):
    def sig_shape(self, header: Any) -> tuple[int, ...]:
        return int(header["width"]), int(header["height"])


@mistake("x and y of the scan are exchanged", check="shape_and_dtype_are_right", level=1)
class ScanSwapped(ToyReader):
    def nav_shape(self, header: Any) -> tuple[int, ...]:
        return int(header["nx"]), int(header["ny"])


@mistake("x and y of each frame are exchanged", check="full_read_equals_what_was_written", level=1)
class FramesTransposed(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        height, _ = encoding.sig_shape
        item = encoding.dtype.itemsize
        return super().source(resources, runs, replace(encoding, strides=(item, item * height)), info)


@mistake("the detector is upside down", check="full_read_equals_what_was_written", level=1)
class Flipped(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        (row, item), (height, _) = encoding.strides, encoding.sig_shape
        upside = replace(encoding, strides=(-row, item), origin=(height - 1) * row)
        return super().source(resources, runs, upside, info)


@mistake("the order of frames is reversed in the second file", check="full_read_equals_what_was_written", level=1)
class SecondFileReversed(ToyReader):
    def layout(self, header: Any, probe: Probe, n_frames: int, stride: int) -> Layout:
        resources, runs = super().layout(header, probe, n_frames, stride)
        if len(runs) < 2:
            return resources, runs
        offset, strides = runs.offset.copy(), runs.stride.copy()
        offset[1] += (int(runs.count[1]) - 1) * stride
        strides[1] = -stride
        return resources, RunTable(runs.resource, offset, strides, runs.count)


@mistake("the files of a scan are taken in the wrong order", check="full_read_equals_what_was_written", level=1)
class FilesSwapped(ToyReader):
    def layout(self, header: Any, probe: Probe, n_frames: int, stride: int) -> Layout:
        resources, runs = super().layout(header, probe, n_frames, stride)
        back = [array[::-1] for array in (runs.resource, runs.offset, runs.stride, runs.count)]
        return resources, RunTable(*back)


@mistake("the header of frames after the first is left out", check="single_frames_are_read", level=1)
class StrideWithoutHeader(ToyReader):
    def layout(self, header: Any, probe: Probe, n_frames: int, stride: int) -> Layout:
        resources, runs = super().layout(header, probe, n_frames, stride)
        skip = int(header["frame_header"])
        return resources, RunTable(runs.resource, runs.offset, runs.stride - skip, runs.count)


@mistake("the byte order is ignored", check="full_read_equals_what_was_written", level=1)
class LittleEndianOnly(ToyReader):
    def dtype(self, header: Any, probe: Probe) -> np.dtype[Any]:
        return super().dtype(header, probe).newbyteorder("<")


@mistake("the sign of integers is lost", check="shape_and_dtype_are_right", level=1)
class SignLost(ToyReader):
    def dtype(self, header: Any, probe: Probe) -> np.dtype[Any]:
        found = super().dtype(header, probe)
        return np.dtype(found.str.replace("i", "u"))


@mistake("the dtype has the byte order of the file", check="shape_and_dtype_are_right", level=1)
class ForeignDtype(ToyProceduralReader):
    class frames(ToyFrames):
        def __init__(self, *facts: Any) -> None:
            super().__init__(*facts)
            self.dtype = self.encoding.dtype


@mistake("numbers that are not finite become zero", check="extreme_values_survive", level=1)
class Cleaned(ToyProceduralReader):
    class frames(ToyFrames):
        def pixels(self, data: NDArray[np.uint8]) -> NDArray[Any]:
            found = super().pixels(data)
            return np.where(np.isfinite(found), found, 0)


@mistake("large numbers pass through single precision", check="full_read_equals_what_was_written", level=1)
class ThroughFloat(ToyProceduralReader):
    class frames(ToyFrames):
        def pixels(self, data: NDArray[np.uint8]) -> NDArray[Any]:
            return super().pixels(data).astype(np.float32)


@mistake("axes of length one are dropped", check="every_shape_is_read", level=1)
class Squeezed(ToyReader):
    def sig_shape(self, header: Any) -> tuple[int, ...]:
        return tuple(n for n in super().sig_shape(header) if n > 1) or (1,)


@mistake("square scans are assumed", check="shape_and_dtype_are_right", level=1)
class SquareScan(ToyReader):
    def nav_shape(self, header: Any) -> tuple[int, ...]:
        side = int((int(header["nx"]) * int(header["ny"])) ** 0.5)
        return side, side


@mistake("the last frame is left out", check="shape_and_dtype_are_right", level=1)
class LastFrameLost(ToyReader):
    def source(self, resources: Any, runs: RunTable, encoding: Encoding, info: SourceInfo) -> Source:
        count = runs.count.copy()
        count[-1] -= 1
        fewer = RunTable(runs.resource, runs.offset, runs.stride, count)
        return super().source(resources, fewer, encoding, info)


@mistake("the reader remembers the first file", check="data_sets_do_not_disturb_each_other", level=1)
class FirstFileKept(ToyReader):
    kept: Any = None

    def header(self, probe: Probe) -> Any:
        found = super().header(probe)
        if FirstFileKept.kept is None:
            FirstFileKept.kept = found.copy()
        if found["ny"] * found["nx"] == self.kept["ny"] * self.kept["nx"]:
            return self.kept
        return found


@mistake("a parameter changes the default silently", check="full_read_equals_what_was_written", level=1)
class DefaultIgnored(ToyReader):
    def open(self, params: ToyParams, probe: Probe) -> Source:
        source = super().open(params, probe)
        if not isinstance(source, LinearSource) or len(source.resources) < 2:
            return source
        first = int(source.runs.count[0])
        alone = RunTable.single(offset=int(source.runs.offset[0]), stride=int(source.runs.stride[0]), count=first)
        return replace(source, resources=source.resources[:1], runs=alone)
