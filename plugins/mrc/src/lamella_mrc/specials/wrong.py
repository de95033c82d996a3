"""Headers that cannot be, packed files, and movies whose sidecars do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lamella.errors import CorruptError, FormatError, TruncatedError, UnsupportedError
from lamella_mrc.writer import header_bytes, info_text
from lamella_testkit import SampleData, Wrong

__all__ = ["wrong_headers", "wrong_movies"]


def wrong_headers(path: Path, data: SampleData) -> Iterator[Wrong]:
    """Packed files, sizes and modes that cannot be, and files that were cut."""
    n, (height, width) = data.n_frames, data.sig_shape
    size, pixels, given = (width, height, n), data.tobytes(), {"path": path}
    right = header_bytes(size, 6) + pixels
    for text, content, error, confidence in (
        ("a file that is packed by gzip", b"\x1f\x8b\x08" + bytes(len(right)), UnsupportedError, 20),
        ("a file that is packed by bzip2", b"BZh" + bytes(len(right)), UnsupportedError, 20),
        ("no columns", header_bytes((0, height, n), 6) + pixels, CorruptError, 70),
        ("no rows", header_bytes((width, 0, n), 6) + pixels, CorruptError, 70),
        ("fewer sections than none", header_bytes((width, height, -1), 6) + pixels, CorruptError, 70),
        ("pixels of mode 5", header_bytes(size, 5) + pixels, UnsupportedError, 70),
        (
            "pixels of mode 5 after an extended header",
            header_bytes(size, 5, extended=pixels) + pixels,
            UnsupportedError,
            70,
        ),
        ("no columns after an extended header", header_bytes((0, height, n), 6, extended=pixels), CorruptError, 70),
        ("a long extended header", header_bytes(size, 6, extended_nbytes=999_999) + pixels + b"x", TruncatedError, 70),
        ("a negative extended header", header_bytes(size, 6, extended_nbytes=-1) + pixels + b"x", TruncatedError, 70),
        ("less than a header", right[:1000], TruncatedError, 70),
        ("less than a section", right[: 1024 + data.frames[0].nbytes - 1], TruncatedError, 70),
    ):
        path.write_bytes(content)
        yield Wrong(text, given, error, confidence)
    for marker, confidence in ((bytes(4), 20), (b"MAP ", 70)):
        wide = header_bytes((256, 1 << 16, 1), 0, axes=(0, 0, 0), marker=marker, stamp=bytes(4))
        with path.open("wb") as file:
            file.write(wide)
            file.truncate(1024 + (1 << 24))
        what = f"a header that makes sense in both byte orders, {marker!r}"
        yield Wrong(what, given, CorruptError, confidence=confidence)
    yield from _cut(path.parent, data)


def _cut(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """Files of a header or less, with and without its mark and the usual extension."""
    header = header_bytes((data.sig_shape[1], data.sig_shape[0], 1), 6)
    unmarked = header_bytes((data.sig_shape[1], data.sig_shape[0], 1), 6, marker=bytes(4))
    for length in (212, 1023, 1024, 1025):
        for name, content, confidence in (
            ("a.mrc", header, 70),
            ("a.mrc", unmarked, 20),
            ("a.mrcs", unmarked, 20),
            ("a.map", header, 70),
            ("a.map", unmarked, 0),
        ):
            path = directory / name
            path.write_bytes((content + b"x")[:length])
            what = f"{length} bytes of {name}{'' if content is header else ' without a mark'}"
            yield Wrong(what, {"path": path}, TruncatedError, confidence=confidence)
            path.unlink()


def wrong_movies(directory: Path, data: SampleData) -> Iterator[Wrong]:
    """Settings of no movie or of several, and lists of positions that do not fit."""
    n, nx, (height, width) = data.n_frames, data.nav_shape[1], data.sig_shape
    stem = "20250429_06699"
    info, path, listed = (directory / f"{stem}{end}" for end in ("_info.txt", "_0_movie.mrc", "_scan_coordinates.csv"))
    info.write_text(info_text(data.nav_shape), encoding="utf-8", newline="")
    yield Wrong("settings without a movie", {"path": info}, FormatError, confidence=0)
    for movie in (path, directory / f"{stem}_1_movie.mrc"):
        movie.write_bytes(header_bytes((width, height, n), 6) + data.tobytes())
    yield Wrong("settings of two movies", {"path": info}, FormatError, confidence=0)
    right = [f"{i % nx},{i // nx}" for i in range(n)]
    for text, lines in (
        ("positions in words", ["one,two", *right[1:]]),
        ("positions of three numbers", [f"{line},0" for line in right]),
        ("a position of one number", ["1", *right[1:]]),
        ("too few positions", right[1:]),
        ("too many positions", [*right, "0,0"]),
        ("no positions", []),
        ("a position before the first", ["-1,0", *right[1:]]),
        ("a position that is too large", [f"{1 << 31},0", *right[1:]]),
        ("positions that lie far apart", ["3000,3000", *right[1:]]),
    ):
        listed.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        yield Wrong(text, {"path": path}, CorruptError)
