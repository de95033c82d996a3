"""A second invented format: lead-in and lost frames, time stamps, corrections, packed pixels. And who writes it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lamella.reader import Axis
from lamella_testkit import SampleData, Sampler, Special

MAGIC = b"RICH\x01\r\n\x00"
PREFIX = np.dtype([("magic", "V8"), ("nbytes", "<u4")])  # then JSON of that length, then records
RECORD = np.dtype(
    [("step", "<i4"), ("stamp", "<i8")]
)  # step of the scan, -1 before the scan; ns since 1970; then pixels
EPOCH = 1_709_629_230  # 2024-03-05T09:00:30Z
DWELL = 2_000_000  # ns
PACKED = "packed"


def packed(pixels: NDArray[Any]) -> bytes:
    """Give two pixels of 12 bits in three bytes, least significant bits first."""
    bits = np.unpackbits(pixels.reshape(-1, 1).astype("<u2").view("u1"), axis=1, bitorder="little")[:, :12]
    return np.packbits(bits.reshape(-1), bitorder="little").tobytes()


class RichSampler(Sampler):
    """Writes one file; steps, stamps and corrections can be chosen."""

    format = "rich"
    dtypes = ("<u2", ">u2", "<f4")
    bits = 12
    variants: ClassVar[tuple[str, ...]] = ("plain", PACKED, "corrected", "summed")

    def fit(self, data: SampleData) -> SampleData:
        if data.variant == "corrected":  # maps stand in the header, as text
            return data.but(sig_shape=tuple(min(n, 64) for n in data.sig_shape))
        return data.but(dtype="<u2") if data.variant == PACKED else data

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        path = directory / f"{data.stem}.rich"
        path.write_bytes(self.content(data, range(data.n_frames)))
        return {"path": path}

    def content(self, data: SampleData, steps: Sequence[int], **more: Any) -> bytes:
        """Give a file whose records are these steps; -1 is a frame before the scan."""
        sums = {"sums": [zlib.crc32(frame.tobytes()) for frame in data.frames]} if data.variant == "summed" else {}
        facts: dict[str, Any] = {
            "shape": [*data.nav_shape, *data.sig_shape],
            "dtype": PACKED if data.variant == PACKED else data.dtype,
            "acquired": EPOCH,
            "records": len(steps),
            "axes": [[axis.scale, axis.offset] for axis in self.axes(data)[:2]],
            **{name: array.tolist() for name, array in self.corrections(data).items()},
            **sums,
            **more,
        }
        text = json.dumps(facts).encode()
        records = []
        for i, step in enumerate(steps):
            head = np.array((step, EPOCH * 10**9 + i * DWELL), RECORD)
            frame = data.frames[step] if step >= 0 else np.full(data.sig_shape, 7, data.dtype)
            records.append(head.tobytes() + (packed(frame) if data.variant == PACKED else frame.tobytes()))
        return np.array((MAGIC, len(text)), PREFIX).tobytes() + text + b"".join(records)

    def axes(self, data: SampleData) -> Sequence[Axis]:
        y, x = data.nav_axes
        return Axis("y", y.scale, -3.0, "nm"), Axis("x", x.scale, 11.0, "nm"), Axis("ky"), Axis("kx")

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        return {"acquired": "2024-03-05T09:00:30+00:00"}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        return {"acquired": EPOCH}

    def expects_notes(self, data: SampleData) -> bool:
        return False

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        return self.stamps(data.n_frames)

    def stamps(self, count: int) -> Mapping[str, object]:
        ns = np.arange(count, dtype=np.int64) * DWELL
        return {"time": ns * 1e-9, "acquired": (EPOCH * 10**9 + ns).view("M8[ns]")}

    def corrections(self, data: SampleData) -> Mapping[str, NDArray[Any]]:
        if data.variant != "corrected":
            return {}
        ramp = np.arange(np.prod(data.sig_shape), dtype=np.float64).reshape(data.sig_shape)
        excluded = np.zeros(data.sig_shape, np.bool_)
        if excluded.size > 1:
            excluded.flat[1] = True
        return {"dark": ramp, "gain": 1 + ramp / 8, "excluded": excluded}

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        path = directory / "a.rich"
        if data.variant != "plain" or data.n_frames < 6:
            return
        n = data.n_frames
        kept = [step for step in range(n) if step not in (1, n - 1)]
        for text, steps, parameters in (
            ("two frames before the scan", [-1, -1, *range(n)], {}),
            ("lost frames", kept, {}),
            ("frames that are not there at the end", list(range(n - 3)), {}),
            ("two frames skipped", list(range(n)), {"skip": 2}),
        ):
            path.write_bytes(self.content(data, steps))
            skip = parameters.get("skip", 0)
            valid = np.isin(np.arange(n), steps[skip:]).reshape(data.nav_shape)
            yield Special(
                text,
                {"path": path, **parameters},
                pixels=data.pixels,
                valid=valid,
                per_frame=self.stamps(len(steps)),
                metadata=self.metadata(data),
            )
        path.write_bytes(self.content(data, range(n), acquired=0))
        none = {"acquired": None, "time": None}
        yield Special("a clock that was not set", {"path": path}, pixels=data.pixels, per_frame=none)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
        path = directory / "a.rich"
        for text, changes in (
            ("no shape", {"shape": []}),
            ("a dtype of text", {"dtype": "<U1"}),
            ("no axes", {"axes": 1}),
        ):
            path.write_bytes(self.content(data, range(data.n_frames), **changes))
            yield text, {"path": path}

    def guarded(self, directory: Path, data: SampleData) -> Mapping[str, Sequence[tuple[int, int]]]:
        if data.variant != "summed":
            return {}
        path = directory / f"{data.stem}.rich"
        size, frame = path.stat().st_size, data.nbytes // data.n_frames
        stride = RECORD.itemsize + frame
        return {path.name: [(size - i * stride - frame, size - i * stride) for i in range(data.n_frames)]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        edge = 4096
        frame = 2 * edge * edge
        n = nbytes // frame
        head = self.content(SampleData((1, n), (edge, edge), "<u2", variant="plain"), [], records=n)
        end = np.arange(1, 9, dtype="<u2")[np.newaxis]
        path = directory / "sparse.rich"
        with path.open("wb") as file:
            file.write(head)
            for i in range(n):
                file.seek(len(head) + i * (RECORD.itemsize + frame))
                file.write(np.array((i, EPOCH * 10**9 + i * DWELL), RECORD).tobytes())
            file.seek(frame - end.nbytes, 1)
            file.write(end.tobytes())
        return Special("a large file", {"path": path}, end=end, per_frame=self.stamps(n))
