"""Files of the EMPAD for the conformance kit."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lamella.reader import Axis
from lamella_empad.specials import layouts, odd_sidecars, sparse_sidecars, without_sidecar, wrong_files
from lamella_empad.writer import DETECTOR_STEP, FRAME, footers_of, json_text, raw_bytes, raw_name_of, xml_text
from lamella_testkit import Recorded, SampleData, Sampler, Special, Wrong, recorded_files

__all__ = ["RECORDED", "EmpadSampler"]

RECORDED = {"map4x4/map4x4.xml": "ff1a1a6488c7e525c1386f04d791bf77425e27b334c4301a9e6ec85c7628cbeb"}
"""Real files below ``LAMELLA_SAMPLES``, with their checksums."""


class EmpadSampler(Sampler):
    """Scans and series of the first generation with each kind of sidecar, and both layouts of the second."""

    format = "empad"
    dtypes = ("<f4",)
    nav_ranks = (2, 1)
    variants = ("0.51", "0.7.12", "1.2.2", "json", "name", "g2", "float32")
    unsaid: ClassVar[Mapping[str, str]] = {"raw_metadata": "all of the XML; tests compare entries of it"}

    def fit(self, data: SampleData) -> SampleData:
        """Give frames of 128 x 128 pixels; words of the second generation are integers."""
        return data.but(sig_shape=(128, 128), dtype="<u4" if data.variant == "g2" else "<f4")

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write the raw file and its sidecar; the variant ``name`` has none."""
        path = directory / raw_name_of(data.nav_shape)
        path.write_bytes(raw_bytes(data.frames, footer=data.variant not in ("g2", "float32")))
        layout = {"layout": data.variant} if data.variant in ("g2", "float32") else {}  # files do not say it
        if data.variant == "name":
            return {"path": path}
        if data.variant == "json":
            sidecar = directory / "scan.json"
            sidecar.write_text(json_text(path.name, data), encoding="utf-8")
        else:
            sidecar = directory / "scan.xml"
            version = data.variant if data.variant[0].isdigit() else "1.2.2"
            fields = [n * axis.scale * 1e-9 for n, axis in zip(data.nav_shape, data.nav_axes, strict=True)]
            sidecar.write_text(xml_text(path.name, data.nav_shape, version=version, field=fields), encoding="utf-8")
        return {"path": sidecar, **layout}

    def axes(self, data: SampleData) -> Sequence[Axis] | None:
        """Give the axes, as far as the versions record them."""
        if data.variant == "name" or len(data.nav_shape) == 1:
            return None
        steps = [axis.scale for axis in data.nav_axes]
        if data.variant not in ("0.51", "0.7.12", "json"):  # one side of the scan is recorded, taken for the longer one
            steps = [data.nav_shape[-1] * steps[-1] / max(data.nav_shape)] * 2
        step, units = {"0.51": (DETECTOR_STEP * 1e9, "1/nm"), "json": (0.5, "mrad")}.get(data.variant, (1.0, None))
        centre = -64 * step if units else 0.0
        return [
            *[Axis(name, scale, 0.0, "nm") for name, scale in zip("yx", steps, strict=True)],
            *[Axis(name, step, centre, units) for name in ("ky", "kx")],
        ]

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what the sidecar says."""
        if data.variant == "name":
            return {"detector": "EMPAD"}
        known = {"detector": "EMPAD", "beam_energy": 300e3, "exposure_time": 1e-3}
        if data.variant == "json":
            return {**known, "scan_rotation": 12.0}
        version = data.variant if data.variant[0].isdigit() else "1.2.2"
        return {
            **known,
            "title": "acquisition_1",
            "acquired": "2019-06-06T13:30:00.164675",
            "software": f"{version}  (2019-10-01)",
            "mode": "scan" if len(data.nav_shape) == 2 else "series",
            "camera_length": 0.7225,
        }

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what stands in JSON; XML is compared entry by entry in the tests."""
        return json.loads(json_text(raw_name_of(data.nav_shape), data)) if data.variant == "json" else {}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give the footers of the first generation."""
        return {} if data.variant in ("g2", "float32") else {"footer": footers_of(data.n_frames).reshape(-1, 256)}

    def expects_notes(self, data: SampleData) -> int:
        """Count the note about the words of the second generation."""
        return int(data.variant == "g2")

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write files without a sidecar, with several, and scans that were interrupted."""
        if data.variant == "name":
            yield from without_sidecar(directory, data)
            yield from layouts(directory, data)
        if data.variant == "0.51":
            yield from odd_sidecars(directory, data)
            yield from sparse_sidecars(directory, data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write sidecars that are damaged, of other instruments or without raw file, and raw files without a frame."""
        yield from wrong_files(directory, data)

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the ends of the first images and of their footers."""
        frame = 65536 if data.variant in ("g2", "float32") else FRAME
        return {raw_name_of(data.nav_shape): [65536, frame, frame + 65536, (data.n_frames - 1) * frame]}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write a raw file that is one hole but for the end of the last frame; its name tells the scan."""
        side = max(1, math.isqrt(nbytes // FRAME))
        path = directory / f"scan_x{side}_y{side}.raw"
        end, footer = np.arange(1, 129, dtype="<f4")[np.newaxis], np.arange(256, 512, dtype="<f4")
        last = end.tobytes() + footer.tobytes()
        with path.open("wb") as file:
            file.seek(side * side * FRAME - len(last))
            file.write(last)
        return Special("a large file", {"path": path}, end=end, per_frame={"footer": footer[np.newaxis]})

    def recorded(self) -> Iterable[Recorded]:
        """Give real files with what other readers found in them."""
        for one in recorded_files(self.format, RECORDED):
            yield replace(one, expected=one.expected.reshape(4, 4, 128, 128))
