"""Raw files for the conformance kit, written without the reader."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamella_testkit import SampleData, Sampler, Special

_GAPS = {"file_header": 37, "frame_header": 10, "frame_footer": 5, "row_padding": 3}
_PADDING = b"\xb7"
_LONGEST_SIDECAR = 64 * 1024  # bytes


class RawSampler(Sampler):
    """Writes frames back to back, with headers, footers and padding, in either order, and with a sidecar."""

    format = "raw"
    dtypes = ("<u2", ">i2", "|u1", "|i1", ">u4", "<i4", "<u8", ">f4", "<f4", "<f8", "<f2", "<c8", ">c16", "|b1")
    nav_ranks = (2, 1, 3, 4)
    sig_ranks = (2, 1, 3)
    variants = (
        "plain",
        "one byte more",
        "all frames, and more",
        "first frames",
        "gaps",
        "fortran",
        "fortran gaps, cut after the last pixel",
        "sidecar",
        "sidecar of its stem",
        "bare sidecar of its stem",
        "by sidecar of another name, as long as may be",
        "by bare sidecar",
    )
    confidence = 20  # only a sidecar tells a raw file from any other

    def write(self, directory: Path, data: SampleData) -> Mapping[str, Any]:
        """Write one file, and the sidecar of that variant."""
        path = directory / f"{data.stem}.raw"
        path.write_bytes(_content(data))
        facts: dict[str, Any] = {"dtype": data.dtype, "sig_shape": data.sig_shape, "nav_shape": data.nav_shape}
        if "sidecar" in data.variant:
            sidecar = path.with_name(f"{_sidecar_stem(data)}.toml")
            sidecar.write_text(_sidecar(data, path.name), encoding="utf-8", newline="")
            return {"path": sidecar if data.variant.startswith("by") else path}
        if data.variant in ("first frames", "all frames, and more"):
            facts["n_frames"] = data.n_frames
        gaps = _GAPS if "gaps" in data.variant else {}
        order = {"sig_order": "F"} if "fortran" in data.variant else {}
        return {"path": path, **facts, **gaps, **order}

    def write_special(self, directory: Path, data: SampleData) -> Iterator[Special]:
        """Write files beside which something lies that has the name of a sidecar and is none."""
        if data.variant != "plain":
            return
        path = directory / "scan.raw"
        path.write_bytes(_content(data))
        facts = {"path": path, "dtype": data.dtype, "sig_shape": data.sig_shape, "nav_shape": data.nav_shape}
        for text, content, notes in (
            ("a sidecar that is too long", "#" * (_LONGEST_SIDECAR + 1), 1),
            ("a sidecar that is not TOML", "[params", 1),
            ("a sidecar for another format", '[params]\nfiletype = "raw_csr"\n', 0),
            (
                "a sidecar of another file",
                f'[params]\nfiletype = "raw"\npath = "other.raw"\ndtype = "{data.dtype}"\n',
                0,
            ),
        ):
            (directory / "scan.raw.toml").write_text(content, encoding="utf-8")
            yield Special(text, facts, pixels=data.pixels, notes=notes, confidence=20)

    def write_wrong(self, directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Write sidecars that cannot be used, and a file that is too short for what is said about it."""
        path, sidecar = directory / "scan.raw", directory / "scan.raw.toml"
        path.write_bytes(_content(data))
        good = _sidecar(data.but(variant="by sidecar"), path.name)
        named = 'path = "scan.raw"'
        for what, text in (
            ("a sidecar that names no text", good.replace(named, "path = 5")),
            ("a sidecar that names nothing", good.replace(named, 'path = ""')),
            ("a sidecar that names itself", good.replace(named, f'path = "{sidecar.name}"')),
            ("a sidecar that names a file elsewhere", good.replace(named, 'path = "../scan.raw"')),
            ("a sidecar for another format", good.replace('filetype = "raw"', 'filetype = "raw_csr"')),
            ("a sidecar without a table", good.replace("[params]", "")),
            ("a sidecar that is too long", good.ljust(_LONGEST_SIDECAR + 1, "#")),
        ):
            sidecar.write_text(text, encoding="utf-8", newline="")
            yield what, {"path": sidecar}
        facts = {"dtype": data.dtype, "sig_shape": data.sig_shape}
        yield "a file that ends within its first frame", {"path": path, **facts, "file_header": data.nbytes - 1}
        yield "a header beyond the end", {"path": path, **facts, "file_header": 1 << 59}

    def expects_notes(self, data: SampleData) -> int:
        """Count the bytes that fill no frame and that nobody asked to leave out."""
        return int(data.variant == "one byte more")

    def boundaries(self, data: SampleData) -> Mapping[str, Sequence[int]]:
        """Give where frames begin."""
        ends = np.cumsum([len(piece) for piece in _pieces(data)]).tolist()
        return {f"{data.stem}.raw": ends} if data.variant == "gaps" else {}

    def write_sparse(self, directory: Path, nbytes: int) -> Special:
        """Write nothing but a hole and the last line."""
        sig_shape, side = (256, 256), math.isqrt(nbytes // (2 * 256 * 256))
        path = directory / "sparse.raw"
        end = np.arange(1, 257, dtype="<u2")[np.newaxis]
        with path.open("wb") as file:
            file.seek(side * side * 2 * 256 * 256 - end.nbytes)
            file.write(end.tobytes())
        keywords = {"path": path, "dtype": "<u2", "sig_shape": sig_shape, "nav_shape": (side, side)}
        return Special("a large file", keywords, end=end)


def _content(data: SampleData) -> bytes:
    content = b"".join(_pieces(data))
    if "cut" in data.variant:
        return content[: len(content) - _GAPS["frame_footer"] - _GAPS["row_padding"]]
    if data.variant == "first frames":
        return content + b"".join(_pieces(data.but(seed=5)))
    return content + _PADDING * ("more" in data.variant)


def _pieces(data: SampleData) -> list[bytes]:
    gaps = _GAPS if "gaps" in data.variant else dict.fromkeys(_GAPS, 0)
    pieces = [_PADDING * gaps["file_header"]]
    for frame in data.frames:
        stored = frame.T if "fortran" in data.variant else frame
        rows = np.ascontiguousarray(stored).reshape(-1, stored.shape[-1])
        pieces.append(_PADDING * gaps["frame_header"])
        pieces += [row.tobytes() + _PADDING * gaps["row_padding"] for row in rows]
        pieces.append(_PADDING * gaps["frame_footer"])
    return pieces


def _sidecar_stem(data: SampleData) -> str:
    if "another name" in data.variant:
        return f"{data.stem} settings"
    return data.stem if "its stem" in data.variant else f"{data.stem}.raw"


def _sidecar(data: SampleData, name: str) -> str:
    lines = ["[params]", 'filetype = "raw"', f'dtype = "{data.dtype}"']
    lines += [] if "bare" in data.variant else [f'path = "{_escaped(name)}"']
    lines += [f"sig_shape = {list(data.sig_shape)}", f"nav_shape = {list(data.nav_shape)}", "# "]
    text = "\n".join(lines)
    if "as long" in data.variant:
        text += "x" * (_LONGEST_SIDECAR - len(text.encode()))
    return text


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
