"""Raw files whose layout only size and content tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lamella_empad.writer import raw_bytes, raw_name_of
from lamella_testkit import SampleData, Special

__all__ = ["layouts"]

_BOTH = 65 * 65536
"""As many bytes as 64 frames of the first generation have, and 65 of the second."""


def layouts(directory: Path, data: SampleData) -> Iterator[Special]:
    """Words, numbers and zeros in files that have the size of one layout, or of several."""
    frames, n = data.frames, data.n_frames
    plain, named = directory / "layout.raw", directory / raw_name_of(data.nav_shape)
    words = np.arange(n * 16384, dtype="<u4").reshape(n, 128, 128)
    plain.write_bytes(words.tobytes())
    yield Special("words", {"path": plain}, pixels=words, notes=1, confidence=0, details={"layout": "g2"})
    named.write_bytes(words.tobytes())
    stated: dict[str, Any] = {"details": {"layout": "g2"}, "confidence": 80}
    yield Special("words, and a name", {"path": named}, pixels=words.reshape(data.pixels.shape), notes=1, **stated)
    named.write_bytes(raw_bytes(frames))
    stated = {"details": {"layout": "g1"}, "confidence": 100}
    yield Special("numbers, and a name", {"path": named}, pixels=data.pixels, notes=0, **stated)
    half = frames.copy()
    half[:, ::2] = 0
    named.write_bytes(raw_bytes(half))
    yield Special("numbers and zeros", {"path": named}, pixels=half.reshape(data.pixels.shape), notes=0, **stated)
    named.write_bytes(frames.tobytes())
    stated = {"details": {"layout": "float32"}, "confidence": 100}
    yield Special("calibrated numbers, and a name", {"path": named}, pixels=data.pixels, notes=0, **stated)
    named.unlink()
    for content in (b"", np.ones(16384, "<u4").tobytes()):  # zeros are numbers, and ones are words
        with plain.open("wb") as file:
            file.write(content)
            file.truncate(_BOTH)
        kind = "words" if content else "zeros"
        second, dtype = ("g2", "<u4") if content else ("float32", "<f4")
        image = np.frombuffer(content.ljust(65536, b"\0"), dtype).reshape(128, 128)
        for shape, layout, notes in (
            (None, "g1", 0),
            ((64,), "g1", 0),
            ((4, 16), "g1", 0),
            ((65,), second, int(second == "g2")),
            ((5, 13), second, int(second == "g2")),
        ):
            nav = shape or (8, 8)
            pixels = np.zeros((int(np.prod(nav)), 128, 128), "<f4" if layout == "g1" else dtype)
            pixels[0] = image.view(pixels.dtype)
            yield Special(
                f"{kind} that fill several layouts, {shape}",
                {"path": plain, **({} if shape is None else {"nav_shape": shape})},
                pixels=pixels.reshape(*nav, 128, 128),
                notes=notes,
                details={"layout": layout},
                confidence=0 if content else 40,
            )
    plain.unlink()
