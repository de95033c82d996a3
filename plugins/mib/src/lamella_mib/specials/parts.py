"""Parts in any order, empty ones, cut ones, neighbours, and very many of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_mib.specials.writing import CAMERA
from lamella_mib.writer import Merlin
from lamella_testkit import Special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["odd_parts"]


def odd_parts(directory: Path, frames: NDArray[Any]) -> Iterator[Special]:
    """Parts in any order, empty ones, cut ones, neighbours, and very many of them."""

    def put(name: str, content: bytes) -> Path:
        path = directory / name
        path.write_bytes(content)
        return path

    def clean() -> None:
        shutil.rmtree(directory)
        directory.mkdir()

    shown: dict[str, Any] = {"pixels": frames}
    put("a1.mib", CAMERA.part(frames[7:], first=8))
    path = put("a2.mib", CAMERA.part(frames[:3], first=1))
    put("a3.mib", CAMERA.part(frames[3:7], first=4))
    facts = {"parts": 3, "frames per part": "3 to 5", "frames lost by sequence number": 0}
    yield Special("parts in the order of their sequence numbers", {"path": path}, **shown, details=facts, notes=1)
    alone = {"path": path, "only_this_file": True}
    yield Special("a part alone", alone, pixels=frames[:3], notes=1)
    put("a10.mib", CAMERA.part(frames[7:]))
    put("a9.mib", CAMERA.part(frames[3:7]))
    (directory / "a1.mib").unlink()
    (directory / "a3.mib").unlink()
    yield Special("parts that start again", {"path": path}, **shown, notes=2)
    clean()
    put("a5.mib", CAMERA.part(frames[7:]))
    path = put("a02.mib", CAMERA.part(frames[:7]))
    yield Special("parts that start again, with zeros in names", {"path": path}, **shown, notes=2)
    clean()
    path = put("a1.mib", CAMERA.part(frames[:6], first=2))
    put("a2.mib", CAMERA.part(frames[6:], first=1))
    yield Special("parts whose numbers overlap", {"path": path}, **shown, notes=2)
    clean()
    path = put("a.mib", b"".join(CAMERA.record(frame, 1) for frame in frames))
    yield Special("numbers that are all alike", {"path": path}, **shown, notes=2)
    clean()
    put("a1.mib", CAMERA.part(frames[:5]))
    path = put("a2.mib", b"")
    put("a3.mib", CAMERA.part(frames[5:], first=6))
    yield Special("an empty part", {"path": path}, **shown, notes=2, warnings=1, confidence=0)
    path = put("a2.mib", CAMERA.part(frames[:1])[:3])
    yield Special("a part of three bytes", {"path": path}, **shown, notes=2, warnings=1, confidence=0)
    path = put("a2.mib", CAMERA.part(frames[:1])[:-1])
    yield Special("a part of less than a frame", {"path": path}, **shown, notes=2, warnings=1, confidence=70)
    clean()
    camera, wide = Merlin(raw=True, depth=12, extension=False), np.arange(2 * 4 * 256, dtype=np.uint16)
    path = put("a1.mib", camera.header(wide.reshape(8, 256)[:4], 1))
    put("a2.mib", camera.part(wide.reshape(2, 4, 256)))
    raw: dict[str, Any] = {"pixels": wide.reshape(2, 4, 256), "confidence": 70}
    yield Special("a part of raw frames that ends before its pixels", {"path": path}, **raw, notes=3, warnings=1)
    clean()
    put("a2.mib", CAMERA.part(frames[:2])[:-1])
    path = put("a1.mib", CAMERA.part(frames[1:], first=2))
    again = "a frame that was cut, and written again to the next part"
    yield Special(again, {"path": path}, **shown, notes=2, warnings=1)
    clean()
    for n in range(1, 8):
        path = put("a.mib", CAMERA.part(frames[:n]) + bytes(5000))
        numbered = {"sequence number": np.arange(1, n + 1)}
        what = f"space after {n} frames"
        yield Special(what, {"path": path, "nav_shape": (n,)}, pixels=frames[:n], per_frame=numbered, warnings=1)
    clean()
    put("a1.mib", CAMERA.part(frames[:5]))
    path = put("a2.mib", CAMERA.part(frames[5:], first=6)[:-1])
    cut: dict[str, Any] = {"pixels": frames[:11], "per_frame": {"sequence number": np.arange(1, 12)}}
    yield Special("a last frame that is incomplete", {"path": path}, **cut, notes=2, warnings=1)
    path = put("a2.mib", CAMERA.part(frames[5:], first=6) + bytes(5000))
    yield Special("space after the frames", {"path": path}, **shown, notes=2, warnings=1)
    path = put("a2.mib", CAMERA.part(frames[5:6], first=6) + bytes(500))
    yield Special("space after one frame", {"path": path}, pixels=frames[:6], notes=2, warnings=1)
    clean()
    path = put("a2.mib", CAMERA.part(frames))
    put("a1.mib", CAMERA.part(frames[:, 1:], first=20))
    put("a3.mib", Merlin(depth=6).part(frames.astype(np.uint8), first=20))
    put("a4.mib", replace(CAMERA, extension=False).part(frames, first=20))
    (directory / "a5.mib").mkdir()
    yield Special("neighbours of another kind", {"path": path}, **shown, notes=2, warnings=0)
    clean()
    path = put("a1.mib", CAMERA.part(frames[:5]))
    same = CAMERA.part(frames[5:], first=6).replace(b",0006,0005,", b",   6,   5,")
    put("a2.mib", same)
    yield Special("a part that writes its numbers otherwise", {"path": path}, **shown, notes=1)
    clean()
    home = directory / "home"
    home.mkdir()
    put("home/a1.mib", CAMERA.part(frames))
    try:
        (home / "a2.mib").symlink_to(put("a2.mib", CAMERA.part(frames, first=13)))
        (home / "a3.mib").symlink_to(home / "a1.mib")
    except OSError:  # not everybody may make links on Windows
        put("home/a2.mib", CAMERA.part(frames[:, 1:]))
    else:
        with_link = {"path": home / "a1.mib"}
        yield Special("links, one of them leads elsewhere", with_link, pixels=np.concatenate([frames, frames]), notes=3)
        (home / "a2.mib").replace(home / "a0.mib")
        put("home/a1.mib", b"")
        put("home/a4.mib", CAMERA.part(frames))
        (home / "a3.mib").unlink()
        yield Special("an empty part after a link that leads elsewhere", with_link, **shown, notes=3, confidence=0)
    clean()
    put("a1.mib", CAMERA.part(frames[:1]))
    path = put("a2.dat", CAMERA.part(frames))
    yield Special("another extension", {"path": path}, **shown, notes=1)
    for name in ("ab.mib", "a1b.mib", "a-1.mib", "a1.mib.bak", "a1xmib"):
        put(name, CAMERA.part(frames[:1], first=50))
    path = put("a1.MIB", CAMERA.part(frames))
    (directory / "a1.mib").unlink()
    yield Special("names that are no parts", {"path": path}, **shown, notes=1)
    clean()
    numbers = np.arange(300, dtype=np.uint16).reshape(300, 1, 1)
    for i, frame in enumerate(numbers):
        put(f"a{i}.mib", CAMERA.part(frame[np.newaxis], first=i + 1))
    many = {"path": directory / "a7.mib", "nav_shape": (3, 100)}
    yield Special("three hundred parts", many, pixels=numbers.reshape(3, 100, 1, 1), notes=1)
