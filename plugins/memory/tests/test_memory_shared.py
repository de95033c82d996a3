"""Arrays travel to other processes through shared memory, which lives exactly as long as it must."""

from __future__ import annotations

import gc
import multiprocessing
import pickle
import shutil
import subprocess
import sys
import threading
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamella.dataset.dataset import DataSet
from lamella.errors import LamellaError
from lamella.opening.open import open_dataset
from lamella_memory.shared import SharedArray

DATA: NDArray[Any] = np.arange(3 * 4 * 50 * 60).reshape(3, 4, 50, 60)


@pytest.fixture
def ds() -> DataSet:
    return open_dataset("memory", DATA, {})


def block_name(shared: SharedArray) -> str:
    name: str = pickle.loads(pickle.dumps(shared))._block.name
    return name


def exists(name: str) -> bool:
    try:
        SharedMemory(name).close()
    except FileNotFoundError:
        return False
    return True


def test_partitions_are_small_however_large_the_array(ds: DataSet) -> None:
    for partition in ds.partitions(3):
        assert len(pickle.dumps(partition)) < 4096


@pytest.mark.parametrize("method", ["spawn", "fork"] if sys.platform == "linux" else ["spawn"])
def test_another_process_sees_the_same_pixels(ds: DataSet, method: Any) -> None:
    with multiprocessing.get_context(method).Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(np.asarray, (ds,)), DATA)
        np.testing.assert_array_equal(pool.apply(np.asarray, (ds,)), DATA)
    np.testing.assert_array_equal(np.asarray(ds), DATA)


def test_a_process_of_its_own_does_not_take_the_memory_along(ds: DataSet, tmp_path: Path) -> None:
    job = tmp_path / "job"
    job.write_bytes(pickle.dumps(ds))
    code = f"import pathlib, pickle; ds = pickle.loads(pathlib.Path({str(job)!r}).read_bytes()); print(ds[...].sum())"
    for _ in range(2):
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
        assert (int(done.stdout), done.stderr) == (int(DATA.sum()), "")


def test_memory_is_shared_when_it_is_needed_and_released_with_its_owner() -> None:
    shared = SharedArray(DATA)
    assert shared._block is None
    name = block_name(shared)
    assert block_name(shared) == name
    assert exists(name)
    del shared
    gc.collect()
    assert not exists(name)


def test_memory_is_released_at_the_end_of_the_process() -> None:
    code = (
        "import pickle, numpy; from lamella_memory.shared import SharedArray; "
        "shared = SharedArray(numpy.zeros(9)); pickle.dumps(shared); print(shared._block.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert not exists(done.stdout.strip())


def test_arrays_in_use_outlive_the_data_set(ds: DataSet) -> None:
    there = pickle.loads(pickle.dumps(ds))
    (tile,) = there.partitions(1)[0].tiles(there.scheme())
    del there
    gc.collect()
    np.testing.assert_array_equal(tile.data.reshape(DATA.shape), DATA)


def test_what_arrived_can_be_sent_on(ds: DataSet) -> None:
    there = pickle.loads(pickle.dumps(ds))
    further = pickle.loads(pickle.dumps(there))
    np.testing.assert_array_equal(np.asarray(further), DATA)
    assert further.fingerprint == ds.fingerprint


def test_what_arrived_cannot_be_written_to(ds: DataSet) -> None:
    there = pickle.loads(pickle.dumps(ds))
    (tile,) = there.partitions(1)[0].tiles(there.scheme())
    assert not tile.data.flags.writeable


def test_what_is_gone_is_an_error() -> None:
    shared = SharedArray(DATA)
    letter = pickle.dumps(shared)
    del shared
    gc.collect()
    with pytest.raises(LamellaError, match="the array is gone"):
        pickle.loads(letter)


def test_threads_that_pickle_at_once_share_one_block() -> None:
    shared = SharedArray(DATA)
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.append(block_name(shared))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 8
    assert len(set(names)) == 1


def test_too_little_shared_memory_is_an_error_and_not_a_dead_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
    if not Path("/dev/shm").is_dir():
        pytest.skip("shared memory is no folder here")
    with pytest.raises(MemoryError, match="Use threads, or save the array"):
        pickle.dumps(SharedArray(DATA))
