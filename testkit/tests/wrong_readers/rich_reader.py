"""A right reader of the second invented format, in small steps, so that a wrong one differs in one step only."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from lamella.errors import CorruptError, FormatError, UnsupportedError
from lamella.format import Capability, FormatSpec, Param, Signature
from lamella.reader import (
    Axis,
    Confidence,
    Corrections,
    FrameSource,
    IOSession,
    Match,
    Metadata,
    Probe,
    Resource,
    RunTable,
    SigBox,
    SourceInfo,
    elapsed,
    read_records,
    take_record,
    unix_time,
)
from wrong_readers.rich_format import MAGIC, PACKED, PREFIX, RECORD

DTYPES = ("<u2", ">u2", "<f4", PACKED)
MOST = 1 << 20


@dataclass(frozen=True, kw_only=True)
class RichParams:
    """Parameters of the second invented format."""

    skip: Annotated[int, Param(doc="Frames to leave out at the beginning of the scan.", ge=0)] = 0


class RichReader:
    """Reads the header, and the steps of all records."""

    def detect(self, probe: Probe) -> Match | None:
        if not probe.head.startswith(MAGIC):
            return None
        try:
            self.facts(probe)
        except FormatError as error:
            return Match(Confidence.SIGNATURE, f"begins like a rich file, but {error.problem}")
        return Match(Confidence.VERIFIED, "has a header that can be read")

    def open(self, params: RichParams, probe: Probe) -> FrameSource:
        facts = self.facts(probe)
        nav_shape, sig_shape = tuple(facts["shape"][:2]), tuple(facts["shape"][2:])
        nbytes = self.frame_nbytes(sig_shape, facts["dtype"])
        first = facts["first"]
        runs, notes = RunTable.that_fit(
            probe.resource,
            offset=first,
            stride=RECORD.itemsize + nbytes,
            frame_header=RECORD.itemsize,
            announced=facts["records"],
        )
        places = first + np.arange(runs.n_frames, dtype=np.int64) * (RECORD.itemsize + nbytes)
        heads = read_records(probe.resource.path, places, RECORD)
        info = SourceInfo(
            nav_shape=nav_shape,
            nav_origin="header",
            index=self.index(heads["step"], math.prod(nav_shape), self.skip(params)),
            nav_axes=self.axes(facts),
            sig_axes=(Axis("ky"), Axis("kx")),
            metadata=self.metadata(facts),
            raw_metadata={"acquired": facts["acquired"], "shape": facts["shape"]},
            per_frame=self.per_frame(heads["stamp"]) if self.is_set(facts) else {},
            corrections=self.corrections(facts, sig_shape),
            notes=notes,
        )
        places = places + RECORD.itemsize
        return self.source(probe.resource, places, nbytes, sig_shape, facts["dtype"], info, facts["sums"])

    def facts(self, probe: Probe) -> dict[str, Any]:
        prefix = take_record(probe.head, PREFIX, path=probe.path)
        if not probe.head.startswith(MAGIC):
            raise FormatError("not a rich file", path=probe.path)
        length = int(prefix["nbytes"])
        if length > min(MOST, probe.size):
            raise CorruptError("the header is longer than the file", path=probe.path)
        try:
            facts = json.loads(probe.read(PREFIX.itemsize, length))
            shape = [int(n) for n in facts["shape"]]
            axes = [[float(scale), float(offset)] for scale, offset in facts["axes"]]
            acquired = int(facts["acquired"])
            dtype, records = str(facts["dtype"]), int(facts["records"])
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            raise CorruptError("the header cannot be understood", path=probe.path, found=error) from error
        if len(shape) != 4 or len(axes) != 2 or records < 0 or not all(0 < n < 1 << 24 for n in shape):
            raise CorruptError("the header names no scan", path=probe.path, found=shape)
        if dtype not in DTYPES:
            raise UnsupportedError("unknown dtype", path=probe.path, expected=DTYPES, found=dtype)
        sums = facts.get("sums")
        if sums is not None and not (isinstance(sums, list) and len(sums) == math.prod(shape[:2])):
            raise CorruptError("the checksums do not fit", path=probe.path)
        maps = {name: facts[name] for name in ("dark", "gain", "excluded") if name in facts}
        first = PREFIX.itemsize + length
        known = {"shape": shape, "axes": axes, "acquired": acquired, "dtype": dtype, "records": records}
        return known | {"maps": maps, "first": first, "sums": sums}

    def skip(self, params: RichParams) -> int:
        return params.skip

    def frame_nbytes(self, sig_shape: tuple[int, ...], dtype: str) -> int:
        count = math.prod(sig_shape)
        return -(-3 * count // 2) if dtype == PACKED else count * np.dtype(dtype).itemsize

    def index(self, step: NDArray[Any], n_steps: int, skip: int) -> NDArray[np.int64]:
        """Give the record of each step; records before the scan, and steps beyond it, are not shown."""
        n_steps = min(n_steps, 64 * len(step))
        index = np.full(n_steps, -1, np.int64)
        shown = np.flatnonzero((step >= skip) & (step < n_steps))
        index[step[shown]] = shown
        return index

    def axes(self, facts: Mapping[str, Any]) -> tuple[Axis, ...]:
        return tuple(
            Axis(name, scale, offset, "nm") if scale > 0 and math.isfinite(scale + offset) else Axis(name)
            for name, (scale, offset) in zip("yx", facts["axes"], strict=True)
        )

    def metadata(self, facts: Mapping[str, Any]) -> Metadata:
        return Metadata(acquired=self.acquired(facts["acquired"]))

    def is_set(self, facts: Mapping[str, Any]) -> bool:
        """Whether the clock was set, so that times mean something."""
        return bool(facts["acquired"])

    def acquired(self, seconds: int) -> str | None:
        return unix_time(seconds)

    def per_frame(self, stamp: NDArray[np.int64]) -> dict[str, Any]:
        moments = stamp.astype("M8[ns]")
        return {"acquired": moments.copy, "time": partial(elapsed, moments)}

    def corrections(self, facts: Mapping[str, Any], sig_shape: tuple[int, ...]) -> Corrections | None:
        maps = facts["maps"]
        try:
            arrays = {name: np.asarray(maps[name], np.float64).reshape(sig_shape) for name in maps}
        except (ValueError, TypeError) as error:
            raise CorruptError("the corrections do not fit", found=error) from error
        if not arrays:
            return None
        excluded = arrays.get("excluded")
        return Corrections(
            dark=arrays.get("dark"),
            gain=arrays.get("gain"),
            excluded=None if excluded is None else excluded.astype(np.bool_),
            allow_empty=True,
        )

    def source(self, *facts: Any) -> FrameSource:
        return RichFrames(*facts)


class RichFrames(FrameSource):
    """Frames at known places, packed or not."""

    def __init__(
        self,
        resource: Resource,
        places: NDArray[np.int64],
        nbytes: int,
        sig_shape: tuple[int, ...],
        dtype: str,
        info: SourceInfo,
        sums: list[Any] | None = None,
    ) -> None:
        stored = np.dtype("u2" if dtype == PACKED else dtype)
        super().__init__(info, n_frames=len(places), sig_shape=sig_shape, dtype=stored, resources=(resource,))
        self.places, self.nbytes, self.stored, self.packed, self.sums = places, nbytes, stored, dtype == PACKED, sums

    def read(self, io: IOSession, frames: NDArray[np.int64], box: SigBox, out: NDArray[Any]) -> None:
        for i, frame in enumerate(frames.tolist()):
            raw = io.view(0, int(self.places[frame]), self.nbytes)
            self.verify(raw, frame)
            out[i] = self.unpacked(raw)[box.slices] if self.packed else self.pixels(raw)[box.slices]

    def verify(self, raw: NDArray[np.uint8], frame: int) -> None:
        if self.sums is not None and zlib.crc32(raw.tobytes()) != self.sums[frame]:
            raise CorruptError("the checksum differs", path=self.resources[0].path, found=f"frame {frame}")

    def pixels(self, raw: NDArray[np.uint8]) -> NDArray[Any]:
        return raw.view(self.stored).reshape(self.sig_shape)

    def unpacked(self, raw: NDArray[np.uint8]) -> NDArray[Any]:
        """Give pixels from triples of bytes; the last triple may lack one."""
        triples = np.zeros(-(-len(raw) // 3) * 3, np.uint16)
        triples[: len(raw)] = raw
        low, middle, high = triples.reshape(-1, 3).T
        pairs = np.stack([low | (middle & 15) << 8, middle >> 4 | high << 4], axis=1)
        return pairs.reshape(-1)[: math.prod(self.sig_shape)].reshape(self.sig_shape)


RICH = FormatSpec(
    name="rich",
    title="A second format invented for tests",
    api=(1, 0),
    edition="2026.2",
    reader="wrong_readers.rich_reader:RichReader",
    params="wrong_readers.rich_reader:RichParams",
    extensions=("rich",),
    signatures=(Signature(MAGIC),),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.SIG_RESHAPE,
            Capability.METADATA,
            Capability.CORRECTIONS,
            Capability.TRUNCATED,
        }
    ),
)
