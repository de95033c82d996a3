"""Virtual data sets that are put together from several sources equal what h5py reads from them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import lamella
from lamella.errors import UnsupportedError
from lamella.udf import SumUDF

LAYOUTS: list[dict[str, Any]] = [
    {},
    {"chunks": (1, 3, 4), "compression": "gzip"},
    {"chunks": (2, 2, 4), "compression": "gzip", "shuffle": True},
    {"chunks": (3, 5, 2), "scaleoffset": 0},
]


def source(path: Path, shape: tuple[int, ...], seed: int, **options: Any) -> h5py.VirtualSource:
    dtype = options.pop("dtype", "<u2")
    values = np.random.default_rng(seed).integers(1, 999, shape).astype(dtype)
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=values, **options)
    return h5py.VirtualSource(path.name, "data", shape, dtype=dtype)


def write(path: Path, layout: h5py.VirtualLayout, fillvalue: int = 7) -> Path:
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("data", layout, fillvalue=fillvalue)
    return path


def expected(path: Path) -> Any:
    with h5py.File(path) as file:
        return file["data"][()]


def check(path: Path, **options: Any) -> None:
    ds = lamella.open(path, **options)
    values = expected(path)
    assert ds.diagnostics["layout"] == "put together from its sources"
    np.testing.assert_array_equal(ds.read(), values)
    np.testing.assert_array_equal(ds[-1, ..., 1:3], values[-1, ..., 1:3])
    with lamella.Context(executor="inline") as ctx:
        found = np.asarray(ctx.run_udf(ds, SumUDF())["intensity"].data)
    np.testing.assert_array_equal(found, values.sum(axis=tuple(range(values.ndim - 2))))


@st.composite
def axis(draw: st.DrawFn, length: int, count: int | None = None) -> slice:
    """Give a part of an axis, of ``count`` items if that is given."""
    step = draw(st.integers(1, 3))
    most = (length + step - 1) // step
    wanted = count or draw(st.integers(1, most))
    step = step if (wanted - 1) * step < length else 1
    start = draw(st.integers(0, length - (wanted - 1) * step - 1))
    return slice(start, start + (wanted - 1) * step + 1, step)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_parts_of_any_kind_equal_those_of_h5py(tmp_path: Path, data: st.DataObject) -> None:
    shape = (5, 6, 7)
    layout = h5py.VirtualLayout(shape, "<u2")
    for number in range(data.draw(st.integers(1, 3))):
        dtype = data.draw(st.sampled_from(["<u2", ">u2"]))
        options = data.draw(st.sampled_from(LAYOUTS if dtype == "<u2" else LAYOUTS[:3]))
        lengths = tuple(data.draw(st.integers(n, 8)) for n in (3, 5, 4))
        part = tuple(data.draw(axis(min(n, m))) for n, m in zip(shape, lengths, strict=True))
        counts = [len(range(*one.indices(99))) for one in part]
        taken = tuple(data.draw(axis(n, count)) for n, count in zip(lengths, counts, strict=True))
        layout[part] = source(tmp_path / f"{number}.h5", lengths, number, dtype=dtype, **options)[taken]
    path = write(tmp_path / "all.h5", layout)
    np.testing.assert_array_equal(lamella.open(path).read(), expected(path))


def test_frames_may_come_from_their_sources_in_turns(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((12, 3, 4), "<u2")
    for number in range(3):
        layout[number::3] = source(tmp_path / f"{number}.h5", (4, 3, 4), number, **LAYOUTS[1])
    check(write(tmp_path / "all.h5", layout))


def test_modules_of_a_detector_leave_gaps_between_them(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((5, 14, 10), "<u2")
    for number in range(4):
        y, x = divmod(number, 2)
        part = source(tmp_path / f"{number}.h5", (5, 6, 4), number, **LAYOUTS[number])
        layout[:, 8 * y : 8 * y + 6, 6 * x : 6 * x + 4] = part
    check(write(tmp_path / "all.h5", layout))


def test_a_scan_of_two_axes_may_be_made_of_its_rows(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((3, 5, 6, 4), "<u2")
    for number in range(3):
        layout[number] = source(tmp_path / f"{number}.h5", (5, 6, 4), number, **LAYOUTS[number])
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    check(tmp_path / "all.h5")


def test_a_frame_may_be_one_of_many_of_its_source(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((4, 6, 4), "<u2")
    stack = source(tmp_path / "stack.h5", (2, 3, 6, 4), 1)
    flat = source(tmp_path / "flat.h5", (6, 4), 2)
    layout[0] = stack[1, 2]
    layout[2] = flat
    check(write(tmp_path / "all.h5", layout))


def test_a_source_may_be_virtual_and_lie_in_several_files(tmp_path: Path) -> None:
    stack = h5py.VirtualLayout((6, 5, 4), "<u2")
    for number in range(2):
        stack[3 * number : 3 * number + 3] = source(tmp_path / f"{number}.h5", (3, 5, 4), number, **LAYOUTS[1])
    write(tmp_path / "stack.h5", stack)
    layout = h5py.VirtualLayout((4, 5, 8), "<u2")
    for side in range(2):
        whole = h5py.VirtualSource("stack.h5", "data", (6, 5, 4))
        layout[:, :, 4 * side : 4 * side + 4] = whole[1 + side : 5 + side]
    path = write(tmp_path / "all.h5", layout)
    check(path)
    again = h5py.VirtualLayout((4, 3, 8), "<u2")
    again[...] = h5py.VirtualSource("all.h5", "data", (4, 5, 8))[:, 1:4]
    check(write(tmp_path / "again.h5", again))


def test_other_axes_may_be_the_detector(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((5, 6, 8), "<u2")
    for side in range(2):
        layout[:, :, 4 * side : 4 * side + 4] = source(tmp_path / f"{side}.h5", (5, 6, 4), side, **LAYOUTS[side])
    path = write(tmp_path / "all.h5", layout)
    ds = lamella.open(path, sig_axes=(0, 1))
    np.testing.assert_array_equal(ds.read(), expected(path).transpose(2, 0, 1))
    ds = lamella.open(path, reverse_axes=True)
    np.testing.assert_array_equal(ds.read(), expected(path).T)


def test_a_part_that_takes_no_pixels_is_left_out(tmp_path: Path) -> None:
    shape = (4, 5, 6)
    source(tmp_path / "a.h5", shape, 0)
    with h5py.File(tmp_path / "all.h5", "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        for empty in (True, False):
            spaces = [h5py.h5s.create_simple(shape) for _ in range(2)]
            for space in spaces:
                if empty:
                    space.select_none()
            plist.set_virtual(spaces[0], b"a.h5", b"data", spaces[1])
        h5py.h5d.create(file.id, b"data", h5py.h5t.STD_U16LE, h5py.h5s.create_simple(shape), plist)
    np.testing.assert_array_equal(lamella.open(tmp_path / "all.h5").read(), expected(tmp_path / "all.h5"))


def test_parts_of_another_shape_or_dtype_are_refused(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((2, 4, 6), "<u2")
    layout[:, :, :3] = source(tmp_path / "a.h5", (2, 3, 4), 1)
    with pytest.raises(UnsupportedError, match="another shape"):
        lamella.open(write(tmp_path / "shape.h5", layout))
    layout = h5py.VirtualLayout((2, 4, 6), "<u2")
    layout[:, :, :3] = source(tmp_path / "b.h5", (2, 4, 3), 1, dtype="<f4")
    with pytest.raises(UnsupportedError, match="another dtype"):
        lamella.open(write(tmp_path / "dtype.h5", layout))
