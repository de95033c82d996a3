"""Sparse arrays of SciPy and of the package ``sparse`` give the pixels of their dense form."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.errors import FormatError
from lamella.opening.open import open_dataset
from lamella.reader import SigBox

scipy_sparse: Any = pytest.importorskip("scipy.sparse")
sparse: Any = pytest.importorskip("sparse")

SHAPE = (3, 4, 5, 6)
SCIPY = ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")


def values(dtype: str = "i4", shape: tuple[int, ...] = SHAPE) -> NDArray[Any]:
    dense = np.arange(np.prod(shape)).reshape(shape)
    return np.where(dense % 7 == 3, dense - 100, 0).astype(dtype)


def open_array(data: Any, **keywords: Any) -> DataSet:
    return open_dataset("auto", data, keywords)


@pytest.mark.parametrize("kind", SCIPY)
@pytest.mark.parametrize("family", ["matrix", "array"])
def test_rows_of_a_scipy_matrix_are_frames(kind: str, family: str) -> None:
    dense = values()
    matrix = getattr(scipy_sparse, f"{kind}_{family}")(dense.reshape(12, 30))
    ds = open_array(matrix, sig_shape=(5, 6), nav_shape=(3, 4))
    np.testing.assert_array_equal(np.asarray(ds), dense)
    assert open_array(matrix).shape == (12, 30)


def test_a_csr_matrix_is_not_copied() -> None:
    matrix = scipy_sparse.csr_array(values().reshape(12, 30))
    source: Any = open_array(matrix).source
    assert source._data.array is matrix.data


def test_duplicates_are_summed_and_the_matrix_stays_as_it_is() -> None:
    indptr, indices, data = np.array([0, 3, 4]), np.array([2, 0, 2]), np.array([1, 5, 10])
    matrix = scipy_sparse.csr_array((np.append(data, 7), np.append(indices, 1), indptr), shape=(2, 4))
    np.testing.assert_array_equal(np.asarray(open_array(matrix)), [[5, 0, 11, 0], [0, 7, 0, 0]])
    np.testing.assert_array_equal(matrix.data, [1, 5, 10, 7])


def test_a_scipy_array_of_many_axes_is_taken() -> None:
    dense = values()
    np.testing.assert_array_equal(np.asarray(open_array(scipy_sparse.coo_array(dense))), dense)


@pytest.mark.parametrize("kind", ["COO", "GCXS", "DOK"])
@pytest.mark.parametrize("fill", [0, 3])
@pytest.mark.parametrize("sig_dims", [1, 2, 4])
def test_arrays_of_the_package_sparse_are_taken(kind: str, fill: int, sig_dims: int) -> None:
    dense = values() + fill
    array = sparse.COO.from_numpy(dense, fill_value=fill).asformat(kind.lower())
    ds = open_array(array, sig_dims=sig_dims)
    np.testing.assert_array_equal(np.asarray(ds).reshape(SHAPE), dense)


@pytest.mark.parametrize("kind", ["COO", "GCXS", "DOK"])
def test_the_detector_can_be_other_axes(kind: str) -> None:
    dense = values()
    array = getattr(sparse, kind).from_numpy(dense)
    np.testing.assert_array_equal(np.asarray(open_array(array, sig_axes=(0, 2))), dense.transpose(1, 3, 0, 2))


def test_columns_can_be_frames() -> None:
    dense = values().reshape(12, 30)
    np.testing.assert_array_equal(np.asarray(open_array(scipy_sparse.csc_array(dense), sig_axes=(0,))), dense.T)


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", ">i2", "f4", ">f8", "c16"])
def test_every_dtype_gives_its_values_back(dtype: str) -> None:
    dense = values(dtype)
    ds = open_array(sparse.COO.from_numpy(dense))
    assert ds.dtype == dense.dtype.newbyteorder("=")
    np.testing.assert_array_equal(np.asarray(ds), dense)


MAKERS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "scipy": lambda dense: scipy_sparse.csr_array(dense.reshape(12, 30)),
    "sparse": lambda dense: sparse.COO.from_numpy(dense),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_parts_of_frames_are_right(make: Callable[[NDArray[Any]], Any]) -> None:
    dense = values()
    ds = open_array(make(dense), nav_shape=(3, 4), sig_shape=(5, 6))
    np.testing.assert_array_equal(ds[1:, ::-2, 2:4, 3], dense[1:, ::-2, 2:4, 3])


@settings(max_examples=50)
@given(frames=st.lists(st.integers(0, 11), min_size=1, max_size=20), y=st.integers(0, 4), x=st.integers(0, 5))
def test_frames_in_any_order_are_right(frames: list[int], y: int, x: int) -> None:
    dense = values()
    source: Any = open_array(sparse.COO.from_numpy(dense)).source
    box = SigBox((y, x), (5 - y, 6 - x))
    out = np.full((len(frames), *box.shape), -1, dense.dtype)
    source.read(None, np.asarray(frames), box, out)
    np.testing.assert_array_equal(out, dense.reshape(12, 5, 6)[frames][:, y:, x:])


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_an_array_without_entries_is_an_array(make: Callable[[NDArray[Any]], Any]) -> None:
    dense = np.zeros(SHAPE)
    ds = open_array(make(dense), nav_shape=(3, 4), sig_shape=(5, 6))
    np.testing.assert_array_equal(np.asarray(ds), dense)
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(ds))), dense)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_they_travel_to_other_processes(make: Callable[[NDArray[Any]], Any]) -> None:
    dense = values()
    ds = open_array(make(dense), nav_shape=(3, 4), sig_shape=(5, 6))
    there = pickle.loads(pickle.dumps(ds))
    np.testing.assert_array_equal(np.asarray(there), dense)
    assert there.fingerprint == ds.fingerprint


def test_fingerprints_tell_contents_apart() -> None:
    dense = values()
    other = dense.copy()
    other[0, 0, 0, 3] += 1
    one, same, another = (open_array(sparse.COO.from_numpy(data)).fingerprint for data in (dense, dense, other))
    assert one == same
    assert one != another


@pytest.mark.parametrize("shape", [(0, 30), (12, 0)])
def test_an_empty_array_is_an_error(shape: tuple[int, int]) -> None:
    with pytest.raises(FormatError, match="the array is empty"):
        open_array(scipy_sparse.csr_array(shape))
