"""Recordings of a K2 IS camera for the conformance kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lamella_k2is.specials import special_files, wrong_files
from lamella_k2is.writer import (
    BASE,
    BLOCK,
    FIRST_COUNT,
    FIRST_ID,
    gtg_bytes,
    header_bytes,
    packed,
    stored_tags,
    write_recording,
)
from lamella_testkit import SampleData, Sampler, Special, Wrong

__all__ = ["K2isSampler"]


class K2isSampler(Sampler):
    """Scans with tags, and time series without, with parts of other frames around them."""

    format = "k2is"
    dtypes = ("<u2",)
    bits = 12
    nav_ranks = (2, 1)
    variants = ("scan", "series")
    floor = 0.1  # every pixel is unpacked
    largest = 128 << 20
    unreached: ClassVar[Mapping[str, str]] = {
        "return None": "blocks are looked for where they are complete; a file that is cut meanwhile reaches it"
    }

    def fit(self, data: SampleData) -> SampleData:
        """Give up to three frames of the one size that the camera has; a time series has one scan axis."""
        variant = data.variant if len(data.nav_shape) == 2 else "series"
        nav = data.nav_shape
        if variant == "series":
            nav = (min(3, data.n_frames),)
        elif data.n_frames > 3:
            nav = (3, 1) if nav[0] >= 3 else (1, 3)
        return data.but(nav_shape=nav, sig_shape=(1860, 2048), variant=variant)

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write eight sectors and, for scans, tags."""
        if data.variant == "scan":
            # The flag comes one frame late.
            write_recording(directory, data.frames, flagged_from=1, gtg=gtg_bytes(data.nav_shape))
            return {"path": directory / f"{BASE}1.bin"}
        write_recording(
            directory,
            data.frames,
            before=[(3 * i) % 8 for i in range(8)],
            behind=[(5 * i) % 8 for i in range(8)],
            partial=[(7000 * i) % BLOCK for i in range(8)],
        )
        return {"path": directory / f"{BASE}1.bin"}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write the headers of the first and the last frame of a time series, and the last block of pixels."""
        n_blocks = 32 * (nbytes // (8 * 32 * BLOCK))
        for number in range(1, 9):
            with (directory / f"{BASE}{number}.bin").open("wb") as file:
                file.truncate(n_blocks * BLOCK)
                for at in (*range(32), *range(n_blocks - 32, n_blocks)):
                    file.seek(at * BLOCK)
                    file.write(header_bytes(at, True, FIRST_COUNT, FIRST_ID))
        end = np.arange(930 * 16, dtype=np.uint16).reshape(930, 16) % 4096
        with (directory / f"{BASE}8.bin").open("r+b") as file:
            file.seek((n_blocks - 16) * BLOCK + 40)
            file.write(packed(end))
        return Special("large files", {"path": directory / f"{BASE}1.bin"}, end=end)

    def metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give what the tags say."""
        known: dict[str, object] = {"exposure_time": 0.0025, "detector": "Gatan K2 IS", "counter_depth": 12}
        if data.variant == "series":
            return {**known, "dwell_time": None, "beam_energy": None}
        known["dwell_time"] = 0.0025
        return {**known, "beam_energy": 300e3, "camera_length": 0.8, "instrument": "Titan ß", "scan_rotation": 12.5}

    def per_frame(self, data: SampleData) -> Mapping[str, object]:
        """Give what the headers of each frame say."""
        steps = np.arange(data.n_frames)
        return {"frame id": FIRST_ID + steps, "shutter": steps >= (data.variant == "scan")}

    def raw_metadata(self, data: SampleData) -> Mapping[str, object]:
        """Give the tags."""
        return {"tags": {} if data.variant == "series" else stored_tags(data.nav_shape)}

    def expects_notes(self, data: SampleData) -> int:
        """Count the note that there are no tags."""
        return int(data.variant == "series")

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write recordings that begin, end and lose blocks elsewhere, and other tags."""
        return special_files(directory, data)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[Wrong]:
        """Write sectors that do not fit together, and tags that make no sense."""
        return wrong_files(directory, data, self.write(directory, data))

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give the beginning and the end of some headers."""
        marks = [block * BLOCK + at for block in (0, 1, 15, 16, 31, 32) for at in (0, 40)]
        return {f"{BASE}{number}.bin": marks for number in range(1, 9)}
