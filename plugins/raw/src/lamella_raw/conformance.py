"""Raw files for the conformance kit, written without the reader."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamella_testkit import SampleData, Sampler

_GAPS = {"file_header": 37, "frame_header": 10, "frame_footer": 5, "row_padding": 3}
_PADDING = b"\xb7"


class RawSampler(Sampler):
    """Writes frames back to back, with headers, footers and padding, in either order, and with a sidecar."""

    format = "raw"
    dtypes = ("<u2", ">i2", "|u1", "|i1", ">u4", "<i4", "<u8", ">f4", "<f4", "<f8", "<f2", "<c8", ">c16", "|b1")
    nav_ranks = (2, 1, 3, 4)
    sig_ranks = (2, 1, 3)
    variants = (
        "plain",
        "gaps",
        "fortran",
        "fortran gaps",
        "first frames",
        "sidecar",
        "sidecar of its stem",
        "by sidecar",
        "by bare sidecar",
    )
    confidence = 20  # only a sidecar tells a raw file from any other

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one file, and the sidecar of that variant."""
        path = directory / f"{data.stem}.raw"
        path.write_bytes(b"".join(self._pieces(data)))
        facts: dict[str, Any] = {"dtype": data.dtype, "sig_shape": data.sig_shape, "nav_shape": data.nav_shape}
        if "sidecar" in data.variant:
            lines = ["[params]", 'filetype = "raw"', f'dtype = "{data.dtype}"']
            lines += [] if "bare" in data.variant else [f'path = "{_escaped(path.name)}"']
            lines += [f"{name} = {list(facts[name])}" for name in ("sig_shape", "nav_shape")]
            whole_name = data.variant != "sidecar of its stem"
            sidecar = path.with_name(f"{path.name if whole_name else data.stem}.toml")
            sidecar.write_text("\n".join(lines), encoding="utf-8")
            return {"path": sidecar if data.variant.startswith("by") else path}
        if data.variant == "first frames":
            with path.open("ab") as file:
                file.write(b"".join(self._pieces(data.but(seed=5))))
            return {"path": path, **facts, "n_frames": data.n_frames}
        gaps = _GAPS if "gaps" in data.variant else {}
        order = {"sig_order": "F"} if "fortran" in data.variant else {}
        return {"path": path, **facts, **gaps, **order}

    def _pieces(self, data: SampleData) -> list[bytes]:
        gaps = _GAPS if "gaps" in data.variant else dict.fromkeys(_GAPS, 0)
        pieces = [_PADDING * gaps["file_header"]]
        for frame in data.frames:
            stored = frame.T if "fortran" in data.variant else frame
            rows = np.ascontiguousarray(stored).reshape(-1, stored.shape[-1])
            pieces.append(_PADDING * gaps["frame_header"])
            pieces += [row.tobytes() + _PADDING * gaps["row_padding"] for row in rows]
            pieces.append(_PADDING * gaps["frame_footer"])
        return pieces

    def expects_notes(self, data: SampleData) -> bool:
        """Say that these files are as they should be."""
        return False

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give where frames begin."""
        pieces = [len(piece) for piece in self._pieces(data.but(variant="gaps"))]
        return {f"{data.stem}.raw": np.cumsum(pieces).tolist()} if data.variant == "gaps" else {}

    def write_sparse(self, directory: Path, nbytes: int) -> Mapping[str, Any]:
        """Write nothing but a hole."""
        sig_shape, side = (256, 256), math.isqrt(nbytes // (2 * 256 * 256))
        path = directory / "sparse.raw"
        with path.open("wb") as file:
            file.truncate(side * side * 2 * 256 * 256)
        return {"path": path, "dtype": "<u2", "sig_shape": sig_shape, "nav_shape": (side, side)}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
