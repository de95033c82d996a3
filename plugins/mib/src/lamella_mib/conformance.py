"""Merlin acquisitions for the conformance kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lamella.reader import Axis
from lamella_mib.specials import special_files, wrong_files
from lamella_mib.writer import Merlin, sidecar_settings, sidecar_text
from lamella_testkit import SampleData, Sampler, Special, Wrong

__all__ = ["MibSampler"]

_RAW = {"R1": (1, "u1"), "R6": (6, "u1"), "R12": (12, ">u2"), "R24": (24, ">u4")}


class MibSampler(Sampler):
    """Assembled and raw acquisitions of one chip and of four, in one part and in many."""

    format = "mib"
    dtypes = ("u1", ">u2", ">u4")
    variants = (
        "scan",
        "parts",
        "sidecar",
        "no sidecar",
        "quad",
        *_RAW,
        *(f"quad {raw}" for raw in _RAW),
    )
    unreached: ClassVar[Mapping[str, str]] = {
        "files._read_sidecar": "a sidecar that is there and cannot be read needs other permissions than tests have",
    }

    def fit(self, data: SampleData) -> SampleData:
        """Give raw frames the width of chips; the depth of a counter decides on the dtype."""
        height = data.sig_shape[0]
        raw = data.variant.removeprefix("quad ")
        if raw not in _RAW:
            return data
        bits, dtype = _RAW[raw]
        shape = (height + height % 2, 512) if data.variant.startswith("quad") else (height, 256)
        return data.but(dtype=dtype, bits=bits, sig_shape=shape)

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write the sidecar and the parts; parts are numbered so that their names sort in another order."""
        variant = data.variant
        merlin = _merlin(data)
        count = {"parts": 3, "sidecar": 2}.get(variant, 1)
        pieces = [piece for piece in np.array_split(data.frames, count) if len(piece)]
        done, names = 0, []
        for number, piece in enumerate(pieces, start=9):
            names.append(f"{data.stem}_{number if count > 1 else ''}.mib")
            (directory / names[-1]).write_bytes(merlin.part(piece, first=done + 1))
            done += len(piece)
        if variant == "no sidecar":
            return {"path": directory / names[0], "nav_shape": data.nav_shape}
        sidecar = directory / f"{data.stem}_.hdr"
        sidecar.write_bytes(sidecar_text(_keys(data)))
        return {"path": sidecar if variant == "sidecar" else directory / names[-1]}

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what the header of the first frame says, and the sidecar."""
        known: dict[str, object] = {
            "title": f"{data.stem}_9" if data.variant in ("parts", "sidecar") else f"{data.stem}_",
            "dwell_time": 1.1e-3 if data.n_frames > 1 else None,
            "acquired": "2021-05-07T16:51:10.000000000Z",
            "exposure_time": 0.001,
            "detector_pixel_pitch": 55e-6,
            "counter_depth": _merlin(data).depth,
        }
        if data.variant == "no sidecar":
            return {**known, "detector": "Merlin (Medipix3)", "mode": None, "software": None}
        return {**known, "detector": "Merlin", "mode": "SPM", "software": "1.5"}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give what the header of each frame counts."""
        steps = np.arange(data.n_frames)
        times = np.datetime64("2021-05-07T16:51:10", "ns") + 1_100_000 * steps.astype("m8[ns]")
        counted = {"sequence number": steps + 1, "time": 1.1e-3 * steps, "counter": 0 * steps}
        return {**counted, "acquired": times, "exposure": np.full(data.n_frames, 1e-3)}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the settings; special files state every field of the first header."""
        return {"sidecar": {} if data.variant == "no sidecar" else sidecar_settings(_keys(data))}

    def axes(self, data: SampleData) -> Sequence[Axis]:
        """Say that files hold no calibration."""
        return [*(Axis(f"axis{i}") for i in range(len(data.nav_shape))), Axis("ky"), Axis("kx")]

    def corrections(self, data: SampleData) -> Mapping[str, object]:
        """Say that there are none."""
        return {}

    def expects_notes(self, data: SampleData) -> int:
        """Say what is worth a note: a missing sidecar, and raw frames of which no file by the vendor is known."""
        return (data.variant == "no sidecar") + (data.variant == "quad R24")

    def promised(self, data: SampleData) -> Sequence[str]:
        """Give the parts: the sidecar counts their frames."""
        return [f"{data.stem}_{number}.mib" for number in range(9, 12)] if data.variant in ("parts", "sidecar") else []

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write scans of every origin, interrupted ones, lost frames, parts, sidecars, headers and raw frames."""
        return special_files(directory, data) if data.variant == "scan" else iter(())

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write frames that are not where they should be, and raw frames that nobody can read."""
        return wrong_files(directory, data)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the first fields of the header, of the header, and of the first frames."""
        merlin = _merlin(data)
        stride = merlin.header_size + len(merlin.payload(data.frames[0]))
        places = [4, 11, 17, 20, 25, 30, 34, 41, 44, 71, merlin.header_size, stride, stride + merlin.header_size]
        number = {"parts": 11 - max(0, 3 - data.n_frames), "sidecar": 9}.get(data.variant, "")
        return {f"{data.stem}_{number}.mib": [*places, 2 * stride]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a part with holes instead of frames, but the first two and the last."""
        merlin = Merlin()
        frame = np.zeros((256, 256), np.uint8)
        stride = merlin.header_size + frame.size
        count = max(3, nbytes // stride)
        path = directory / "huge.mib"
        with path.open("wb") as file:
            for i in (0, 1, count - 1):
                file.seek(i * stride)
                file.write(merlin.record(frame, i + 1))
            end = np.arange(256, dtype=np.uint8)[np.newaxis]
            file.seek(count * stride - end.nbytes)
            file.write(end.tobytes())
        return Special("a large file", {"path": path}, end=end)


def _merlin(data: SampleData) -> Merlin:
    quad = data.variant.startswith("quad")
    raw = data.variant.removeprefix("quad ")
    if raw in _RAW:
        return Merlin(raw=True, depth=_RAW[raw][0], chips=4 if quad else 1)
    depth = {1: 6, 2: 12, 4: 24}[data.stored_dtype.itemsize]
    return Merlin(depth=depth, chips=4 if quad else 1)


def _keys(data: SampleData) -> dict[str, object]:
    """Give what the sidecar says about this scan."""
    keys: dict[str, object] = {
        "Frames in Acquisition (Number)": data.n_frames,
        "Counter Depth (number)": _merlin(data).depth,
    }
    if data.variant == "sidecar" and 1 < data.nav_shape[-1] < data.n_frames:
        keys["Frames per Trigger (Number)"] = data.nav_shape[-1]
    else:
        keys |= {"ScanX": data.nav_shape[-1], "ScanY": data.n_frames // data.nav_shape[-1]}
    return keys
