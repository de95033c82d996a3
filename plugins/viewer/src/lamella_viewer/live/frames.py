"""Binary frames: ``u32 length | JSON header | spaces up to 8 bytes | pixels | validity bits``."""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DTYPES", "decode_frame", "encode_frame", "quantised"]

DTYPES = ("f4", "f8", "u1", "u2", "u4", "i1", "i2", "i4")
"""Types of pixels that a frame may hold; little endian."""
_LARGEST_HEADER = 1 << 20


def encode_frame(
    header: Mapping[str, Any], pixels: NDArray[Any], valid: NDArray[np.bool_] | None = None, *, deflate: bool = False
) -> bytes:
    """Give a frame as bytes.

    Parameters
    ----------
    header
        JSON-able facts; ``dtype``, ``shape``, ``validity`` and ``deflate`` are added here.
    pixels
        Numbers of one of `DTYPES`.
    valid
        Which entries along the last two axes are known (the last one of a curve, the first two of colours); all if
        None.
    deflate
        Whether to compress pixels; the header then has their compressed size.

    Raises
    ------
    ValueError
        If the pixels have another type.
    """
    code = pixels.dtype.str[1:]
    if code not in DTYPES:
        raise ValueError(f"pixels of a frame have one of the types {', '.join(DTYPES)}, not {pixels.dtype}")
    body = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<")).data
    packed = zlib.compress(body, 1) if deflate else body
    told = {
        **header,
        "dtype": code,
        "shape": list(pixels.shape),
        "validity": "all" if valid is None else "bits",
        "deflate": len(packed) if deflate else 0,
    }
    text = _json(told).encode()
    text += b" " * (-(len(text) + 4) % 8)
    bits = b"" if valid is None else np.packbits(valid.reshape(-1), bitorder="little").tobytes()
    return b"".join([struct.pack("<I", len(text)), text, packed, bits])


def decode_frame(data: bytes) -> tuple[dict[str, Any], NDArray[Any], NDArray[np.bool_] | None]:
    """Give header, pixels and validity of a frame; what `encode_frame` made.

    Raises
    ------
    ValueError
        If it is no frame.
    """
    try:
        return _decoded(data)
    except (KeyError, TypeError, OverflowError, zlib.error, RecursionError) as error:
        raise ValueError(f"this is not a frame: {error}") from error


def _decoded(data: bytes) -> tuple[dict[str, Any], NDArray[Any], NDArray[np.bool_] | None]:
    if len(data) < 8:
        raise ValueError("a frame has at least 8 bytes")
    (length,) = struct.unpack_from("<I", data)
    if length > min(_LARGEST_HEADER, len(data) - 4) or (4 + length) % 8:
        raise ValueError(f"a header of {length} bytes does not fit into a frame of {len(data)} bytes")
    header = json.loads(data[4 : 4 + length])
    if header["dtype"] not in DTYPES:
        raise ValueError(f"unknown type of pixels {header['dtype']!r}")
    dtype, shape = np.dtype("<" + header["dtype"]), tuple(header["shape"])
    if not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError(f"the shape of a frame is a list of sizes, not {shape}")
    count, body = math.prod(shape), data[4 + length :]
    if header["deflate"]:
        packed = header["deflate"]
        pixel_bytes = zlib.decompressobj().decompress(body[:packed], count * dtype.itemsize)
        body = pixel_bytes + body[packed:]
    pixels = np.frombuffer(body, dtype, count).reshape(shape)
    if header["validity"] == "all":
        return header, pixels, None
    known = {"curve": shape[-1:], "rgba": shape[:2]}.get(header["kind"], shape[-2:])
    bits = np.frombuffer(body, np.uint8, -(-math.prod(known) // 8), count * dtype.itemsize)
    valid = np.unpackbits(bits, count=math.prod(known), bitorder="little").astype(np.bool_)
    return header, pixels, valid.reshape(known)


def quantised(
    pixels: NDArray[Any], code: str
) -> tuple[NDArray[Any], dict[str, float] | None, NDArray[np.bool_] | None]:
    """Give pixels as small integers for a slow link, how to get numbers back, and which of them are known.

    Parameters
    ----------
    pixels
        Numbers; those that are not finite become unknown.
    code
        ``"u1"`` or ``"u2"``.
    """
    if pixels.dtype.itemsize <= np.dtype(code).itemsize:
        return pixels, None, None
    finite = np.isfinite(pixels)
    some = pixels[finite]
    low, high = (float(some.min()), float(some.max())) if some.size else (0.0, 0.0)
    step = (high - low) / float(np.iinfo(code).max) or 1.0
    if not math.isfinite(step):
        return pixels, None, None
    with np.errstate(invalid="ignore"):
        whole = np.rint((np.where(finite, pixels, low) - low) / step).astype(code)
    known = finite.all(axis=0) if pixels.ndim == 3 else finite
    return whole, {"offset": low, "step": step}, None if known.all() else known


def _json(told: Mapping[str, Any]) -> str:
    """Give a header as text; nearly all of them hold what JSON can hold."""
    try:
        return json.dumps(told, separators=(",", ":"), allow_nan=False, default=_plain)
    except (TypeError, ValueError):
        return json.dumps(_plain(told), separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """Give what JSON can hold: numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
