"""Sparse frames with odd numbers of events, and descriptions that make no sense, for the conformance kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_raw_csr.writer import Arrays, sparse_rows, toml_text, write_arrays
from lamella_testkit import SampleData, Special

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["special_files", "wrong_files"]


def special_files(directory: Path, data: SampleData) -> Iterator[Special]:
    """Write frames without events, events of one pixel and of no frame, small indices, and arrays elsewhere."""
    path = directory / "scan.toml"
    given = {"path": path}
    nav, sig, n = data.nav_shape, data.sig_shape, data.n_frames
    pixels = data.pixels.copy()
    pixels[0] = 0
    pixels[1, 1:3] = 0
    pixels[-1, -1] = 0
    pixels[..., ::2] = 0
    arrays = sparse_rows(pixels.reshape(n, -1))
    counts = np.count_nonzero(pixels.reshape(n, -1), axis=1)
    write_arrays(path, nav, sig, arrays)
    yield Special("frames without events", given, pixels=pixels, per_frame={"events": counts}, notes=0)
    empty = np.zeros((n, sig[0] * sig[1]), data.dtype)
    write_arrays(path, nav, sig, sparse_rows(empty))
    nothing = empty.reshape(pixels.shape)
    yield Special("no events at all", given, pixels=nothing, per_frame={"events": np.zeros(n, int)}, notes=0)
    twice = {"indptr": 2 * arrays["indptr"], **{kind: np.repeat(arrays[kind], 2) for kind in ("indices", "data")}}
    twice["data"] = twice["data"] // 4
    write_arrays(path, nav, sig, twice)
    events = {"events": 2 * counts}
    yield Special("two events of each pixel", given, pixels=pixels // 4 * 2, per_frame=events, notes=0)
    more = {
        "indptr": arrays["indptr"] + 3,
        "indices": np.concatenate([[0, 1, 2], arrays["indices"], [0, 1]]),
        "data": np.concatenate([arrays["data"][:3], arrays["data"], arrays["data"][:2]]),
    }
    write_arrays(path, nav, sig, more)
    yield Special("events of no frame", given, pixels=pixels, per_frame={"events": counts}, notes=1, warnings=0)
    for other in ((n + 2,), (n - 2,)):
        write_arrays(path, other, sig, arrays)
        valid = np.arange(other[0]) < n
        shown = np.zeros((*other, *sig), data.dtype)
        shown[: min(n, *other)] = pixels.reshape(n, *sig)[: other[0]]
        yield Special(f"a scan of {other}", given, pixels=shown, valid=valid, notes=1, warnings=1)
    for kind in ("<i1", ">i1", "|u1", "<i2", ">u2", ">i8"):
        large = np.zeros((2, 11, 12), data.dtype)
        large[:, :10] = np.arange(1, 241).reshape(2, 10, 12)
        events_of = sparse_rows(large.reshape(2, -1))
        small = {**events_of, "indices": events_of["indices"].astype(kind)}
        write_arrays(path, (2,), (11, 12), small)
        yield Special(f"indices of type {kind}", given, pixels=large, notes=0)
    edge = np.zeros((1, 16, 16), data.dtype)
    edge.reshape(-1)[[0, 127, 128, 254, 255]] = range(1, 6)
    rows = sparse_rows(edge.reshape(1, -1))
    write_arrays(path, (1,), (16, 16), {**rows, "indices": rows["indices"].astype("u1")})
    yield Special("as many pixels as indices have values", given, pixels=edge, notes=0)
    for kind in ("<i2", "<u2", ">i8", ">u8"):
        write_arrays(path, nav, sig, {**arrays, "indptr": arrays["indptr"].astype(kind)})
        yield Special(f"row pointers of type {kind}", given, pixels=pixels, notes=0)
    write_arrays(path, nav, sig, arrays)
    text = path.read_text(encoding="utf-8").replace('"raw_csr"', '"RAW_CSR"').replace("[raw_csr]", "[Raw_CSR]")
    path.write_text("# filetype\n[other]\nx = 1\n" + text, encoding="utf-8")
    table = {
        "other": {"x": 1},
        "params": {"filetype": "RAW_CSR", "nav_shape": list(nav), "sig_shape": list(sig)},
        "Raw_CSR": {f"{kind}_file": f"{kind}.dat" for kind in arrays}
        | {f"{kind}_dtype": array.dtype.str for kind, array in arrays.items()},
    }
    yield Special("a description in other letters", given, pixels=pixels, raw_metadata=table, notes=0)
    folder = directory / "folder"
    folder.mkdir()
    inner = write_arrays(folder / "scan.toml", nav, sig, arrays)
    for kind in arrays:
        (folder / f"{kind}.dat").replace(directory / f"{kind}.dat")
    dtypes = {kind: array.dtype.str for kind, array in arrays.items()}
    places = {f"{kind}_file": f"../{kind}.dat" for kind in arrays}
    inner.write_text(toml_text(nav, sig, dtypes, **places), encoding="utf-8")
    yield Special("arrays in another folder", {"path": inner, "elsewhere": True}, pixels=pixels, notes=0)


def wrong_files(directory: Path, data: SampleData) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Write descriptions that say too little or nonsense, and arrays that do not fit together."""
    path = directory / "scan.toml"
    given = {"path": path}
    nav, sig, n = data.nav_shape, data.sig_shape, data.n_frames
    arrays: Arrays = sparse_rows(data.frames.reshape(n, -1))
    write_arrays(path, nav, sig, arrays)
    text = path.read_text(encoding="utf-8")
    for what, old, new in (
        ("another type of file", '"raw_csr"', '"raw"'),
        ("a number for the type of the file", '"raw_csr"', "1"),
        ("no parameters", "[params]", "[other]"),
        ("a number for the parameters", "[params]", 'params = 1\n[[other]]\nx = "filetype"'),
        ("no section", "[raw_csr]", "[other]"),
        ("no file of indices", "indices_file", "other"),
        ("a file name without letters", '"indices.dat"', '""'),
        ("a number for a file name", '"indices.dat"', "1"),
        ("a file that is not there", "indices.dat", "other.dat"),
        ("a file elsewhere", "indices.dat", "../indices.dat"),
        ("indices that are no integers", '"<i8"', '"<f8"'),
        ("an unknown dtype", '"<i8"', '"<i3"'),
        ("a dtype of texts", '"<u2"', '"<U1"'),
        ("a dtype of objects", '"<u2"', '"O"'),
        ("a dtype of several numbers", '"<u2"', '"u1,u1"'),
        ("no shape of the scan", "nav_shape", "other"),
        ("a number for the shape of the scan", str(list(nav)), "12"),
        ("an empty shape of the scan", str(list(nav)), "[]"),
        ("a scan of zero lines", str(list(nav)), "[0, 4]"),
        ("a scan of broken lines", str(list(nav)), "[3.0, 4]"),
        ("a scan of a truth value", str(list(nav)), "[true, 12]"),
        ("an absurd scan", str(list(nav)), "[2147483647, 2147483647, 2147483647]"),
        ("a line that is too long", str(list(nav)), "[2147483648]"),
        ("absurd frames", str(list(sig)), "[1073741824, 3]"),
        ("frames that are too small for the indices", str(list(sig)), "[2, 2]"),
        ("broken TOML", "[params]", "[params"),
    ):
        path.write_text(text.replace(old, new), encoding="utf-8")
        yield what, given
    path.write_text(text + "#" * (1 << 20), encoding="utf-8")
    yield "a description of more than a megabyte", given
    path.write_text("no table", encoding="utf-8")
    yield "a text of another kind", given
    pointers, longest = arrays["indptr"], len(arrays["indices"])
    for what, changed in (
        ("no frames", {"indptr": pointers[:1]}),
        ("no row pointers", {"indptr": pointers[:0]}),
        ("row pointers that fall", {"indptr": pointers[::-1]}),
        ("a row pointer below zero", {"indptr": np.concatenate([[-1], pointers[1:]])}),
        ("row pointers beyond the events", {"indptr": np.concatenate([pointers[:-1], [longest + 1]])}),
        ("all row pointers beyond the events", {"indptr": pointers + longest + 1}),
        ("fewer indices than values", {"indices": arrays["indices"][:-1]}),
        ("fewer values than indices", {"data": arrays["data"][:-1]}),
        ("an event outside of its frame", {"indices": np.where(np.arange(longest) == 7, 30, arrays["indices"])}),
        ("an event before its frame", {"indices": np.where(np.arange(longest) == 7, -1, arrays["indices"])}),
    ):
        write_arrays(path, nav, sig, {**arrays, **changed})
        yield what, given
    small = {"indptr": np.asarray([0, 2]), "indices": np.asarray([3, -1], "<i1"), "data": arrays["data"][:2]}
    write_arrays(path, (1,), (16, 16), small)
    yield "an event before its frame, which as a number without a sign lies within", given
    write_arrays(path, nav, sig, arrays)
    (directory / "data.dat").write_bytes(arrays["data"].tobytes()[:-1])
    yield "values of which one was cut", given
