"""Recordings that are still written: `DataSet.refresh` shows the frames that are complete, in every format of runs."""

import os
import pickle
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamella
from lamella.errors import FormatError, TruncatedError, UnsupportedError
from lamella.io.mmap import _kept, forget_mappings
from lamella.reader import LinearSource, Resource
from lamella.udf import SumSigUDF, SumUDF
from lamella_testkit import SampleData
from lamella_testkit.samplers import sampler_named

GROWING = (
    ("raw", ""),
    ("mib", "no sidecar"),
    ("mib", "parts"),
    ("mib", "quad R6"),
    ("seq", ""),
    ("tvips", ""),
    ("mrc", ""),
    ("blo", ""),
    ("empad", ""),
)
"""Formats whose recordings grow, and a variant; the first of the sampler if that is empty."""

pytestmark = pytest.mark.filterwarnings("ignore::lamella.errors.LamellaWarning")


class Recording:
    """A scan that a sampler wrote, given back to the disk in pieces: as it was when only some bytes were written."""

    def __init__(self, folder: Path, name: str, variant: str = "", nav: tuple[int, ...] = (4, 6)) -> None:
        sampler = sampler_named(name)()
        wanted = variant or sampler.variants[0]
        self.data = sampler.fit(SampleData(nav, (8, 8), sampler.dtypes[0], bits=sampler.bits, variant=wanted))
        self.keywords: dict[str, Any] = dict(sampler.write(folder, self.data))
        self.path = self.keywords.pop("path")
        source = self.open().source
        assert isinstance(source, LinearSource)
        self.files = [Path(source.resources[i].path) for i in source.runs.resource]
        if self.path in self.files:
            self.path = self.files[0]
        self.content = [file.read_bytes() for file in self.files]
        self.size = sum(map(len, self.content))
        self.written = self.size
        low = int(source.runs.offset[0])
        self.first = low + int(source.runs.stride[0])
        """Where the first frame ends, about."""

    def at(self, share: float) -> int:
        """Give the size of a recording with a share of its frames, and one frame at least."""
        return self.first + int(share * (self.size - self.first))

    def open(self) -> lamella.DataSet:
        return lamella.open(self.path, **self.keywords)

    def begin(self, nbytes: int) -> None:
        """Write so many bytes, and nothing behind them."""
        for file in self.files:
            file.unlink()
        self.written = 0
        self.go_on(nbytes)

    def go_on(self, nbytes: int) -> None:
        """Append until so many bytes are written."""
        begin = 0
        for file, content in zip(self.files, self.content, strict=True):
            low, high = max(self.written - begin, 0), min(max(nbytes - begin, 0), len(content))
            if low < high:
                with file.open("ab") as out:
                    out.write(content[low:high])
            begin += len(content)
        self.written = nbytes


def frames_of(dataset: lamella.DataSet) -> NDArray[Any]:
    """Give the frames that the scan shows, one after the other."""
    mask = dataset.valid_mask
    return np.asarray(dataset.read((mask,)))


@pytest.mark.parametrize(("name", "variant"), GROWING)
def test_frames_appear_once_they_are_complete(tmp_path: Path, name: str, variant: str) -> None:
    recording = Recording(tmp_path, name, variant)
    whole = recording.open()
    positions, expected = whole.shape.nav.size, recording.data.frames
    recording.begin(recording.at(0.2))
    first = dataset = recording.open()
    began = frames_of(first)
    counts = [len(began)]
    assert dataset.refresh() is dataset, "nothing changed"
    for share in (0.37, 0.61, 1.0):
        recording.go_on(recording.at(share))
        before, dataset = dataset, dataset.refresh()
        assert dataset is not before
        assert dataset.fingerprint != before.fingerprint
        shown = frames_of(dataset)
        assert np.array_equal(shown, expected[: len(shown)])
        counts.append(len(shown))
        assert dataset.frame_map.counts.shown == len(shown)
        for array in dataset.info.per_frame:
            assert len(dataset.per_frame(array)) == dataset.source.n_frames
    assert counts[0] < counts[1] < counts[2] < counts[3] == positions == len(expected)
    assert dataset.shape == whole.shape
    assert dataset.missing_count == 0
    assert dataset.provenance == first.provenance
    assert dataset.recipe == whole.recipe
    assert np.array_equal(frames_of(first), began), "what was opened before stays as it was"


@pytest.fixture(scope="module")
def processes() -> Iterator[lamella.Context]:
    with lamella.Context.make_with("processes", cpus=2) as ctx:
        yield ctx


@pytest.mark.parametrize("name", ["raw", "mib"])
def test_runs_in_other_processes_see_the_frames_that_the_data_set_has(
    tmp_path: Path, name: str, processes: lamella.Context
) -> None:
    recording = Recording(tmp_path, name, "parts" if name == "mib" else "")
    expected = recording.data.frames.sum(axis=(1, 2))
    recording.begin(recording.size // 2)
    early = recording.open()
    n = early.source.n_frames
    recording.go_on(recording.size)
    for dataset, count in ((early, n), (early.refresh(), len(expected))):
        result = processes.run_udf(dataset, SumSigUDF())["intensity"]
        assert np.count_nonzero(result.valid_mask) == count
        assert np.array_equal(result.data[result.valid_mask], expected[:count])
    path = recording.files[0]
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(FormatError, match="again"):
        processes.run_udf(early, SumSigUDF())


@pytest.mark.parametrize(("name", "variant"), [("raw", ""), ("mib", "parts"), ("blo", "")])
def test_arrays_elsewhere_show_the_frames_that_the_data_set_had(tmp_path: Path, name: str, variant: str) -> None:
    recording = Recording(tmp_path, name, variant)
    recording.begin(recording.at(0))
    packed = []
    for share in (0.04, 0.3, 0.62):
        recording.go_on(recording.at(share))
        dataset = recording.open()
        expected = dataset.read(fill=7)
        packed.append((pickle.dumps(dataset.to_dask(fill=7)), expected))
        recording.go_on(recording.written + 3)  # of the next frame
    recording.go_on(recording.size)
    for array, expected in packed:
        assert np.array_equal(pickle.loads(array).compute(scheduler="sync"), expected)
    path = recording.files[0]
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(FormatError):
        pickle.loads(packed[-1][0]).compute(scheduler="sync")


@pytest.fixture
def grown(tmp_path: Path) -> tuple[Recording, lamella.DataSet]:
    """A raw recording of which half is written, and the data set."""
    recording = Recording(tmp_path, "raw")
    recording.begin(recording.size // 2)
    return recording, recording.open()


def test_a_file_that_became_shorter_is_refused(grown: tuple[Recording, lamella.DataSet]) -> None:
    recording, dataset = grown
    with recording.files[0].open("r+b") as file:
        file.truncate(recording.size // 3)
    with pytest.raises(TruncatedError, match=r"shrank.*Open the data set again"):
        dataset.refresh()


@pytest.mark.skipif(os.name == "nt", reason="a file that is mapped cannot be replaced there")
def test_another_file_of_the_same_name_is_refused(grown: tuple[Recording, lamella.DataSet]) -> None:
    recording, dataset = grown
    other = recording.files[0].with_name("other")
    other.write_bytes(recording.content[0])
    other.replace(recording.files[0])
    with pytest.raises(FormatError, match=r"replaced.*Open the file again"):
        dataset.refresh()


def test_a_file_that_is_gone_is_refused(grown: tuple[Recording, lamella.DataSet]) -> None:
    recording, dataset = grown
    recording.files[0].unlink()
    with pytest.raises(FormatError, match="can no longer be read"):
        dataset.refresh()


def test_another_recording_in_the_same_file_is_refused(tmp_path: Path) -> None:
    recording = Recording(tmp_path, "mib", "no sidecar")
    recording.begin(recording.size // 2)
    dataset = recording.open()
    content = recording.content[0].replace(b"16:51:10", b"17:51:10")
    assert content != recording.content[0]
    with recording.files[0].open("r+b") as file:
        file.write(content)
    with pytest.raises(FormatError, match="began at"):
        dataset.refresh()


def test_other_kinds_of_data_say_that_they_cannot_be_refreshed(tmp_path: Path) -> None:
    sampler = sampler_named("raw_csr")()
    data = sampler.fit(SampleData((2, 3), (8, 8), sampler.dtypes[0], variant=sampler.variants[0]))
    keywords = dict(sampler.write(tmp_path, data))
    for dataset in (
        lamella.open(keywords.pop("path"), **keywords),
        lamella.open(np.zeros((2, 3, 4, 4)), format="memory"),
    ):
        with pytest.raises(UnsupportedError, match=r"cannot be refreshed.*Open it again"):
            dataset.refresh()


def test_a_scan_whose_shape_nobody_gave_becomes_longer(tmp_path: Path) -> None:
    path = tmp_path / "scan.raw"
    path.write_bytes(bytes(3 * 16))
    dataset = lamella.open(path, format="raw", dtype="u1", sig_shape=(4, 4))
    with path.open("ab") as file:
        file.write(bytes(4 * 16))
    assert tuple(dataset.shape.nav) == (3,)
    assert tuple(dataset.refresh().shape.nav) == (7,)


def test_what_a_text_beside_the_file_says_is_read_again(tmp_path: Path) -> None:
    path, text = tmp_path / "scan.raw", tmp_path / "scan.raw.toml"
    said = '[params]\nfiletype = "raw"\ndtype = "u1"\nsig_shape = [4, 4]\n'
    path.write_bytes(bytes(4 * 16))
    text.write_text(said)
    dataset = lamella.open(path)
    text.write_text(f"{said}nav_shape = [2, 4]\n")
    with path.open("ab") as file:
        file.write(bytes(4 * 16))
    again = dataset.refresh()
    assert tuple(again.shape.nav) == (2, 4)
    assert again.provenance.confidence == dataset.provenance.confidence


def test_a_header_that_counts_frames_when_the_recording_ends(tmp_path: Path) -> None:
    recording = Recording(tmp_path, "mrc")
    first, path = recording.content[0], recording.files[0]
    start = len(first) - recording.data.nbytes

    def header(count: int) -> bytes:
        return first[:8] + np.dtype("<i4").type(count).tobytes() + first[12:start]

    frame = recording.data.nbytes // recording.data.n_frames
    path.write_bytes(header(0) + first[start : start + 5 * frame])
    dataset = lamella.open(path)
    assert dataset.source.n_frames == 5
    with path.open("r+b") as file:
        file.seek(start + 5 * frame)
        file.write(first[start + 5 * frame : start + 9 * frame])
        file.flush()
        growing = dataset.refresh()
        assert growing.source.n_frames == 9
        file.seek(0)
        file.write(header(9))
    done = growing.refresh()
    assert done.source.n_frames == 9
    assert np.array_equal(frames_of(done), recording.data.frames[:9])


def test_a_file_is_followed_while_it_is_written(tmp_path: Path) -> None:
    side, count = 64, 96
    frames = np.random.default_rng(3).integers(0, 4000, (count, side, side)).astype("<u2")
    path = tmp_path / "scan.raw"
    content = frames.tobytes()
    path.write_bytes(content[: 2 * side * side])

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            for start in range(2 * side * side, len(content), 3333):
                file.write(content[start : start + 3333])
                time.sleep(0.0005)

    dataset = lamella.open(path, format="raw", dtype="<u2", sig_shape=(side, side), nav_shape=(8, 12))
    writer = threading.Thread(target=write)
    seen = []
    with lamella.Context.make_with("inline") as ctx:
        writer.start()
        while dataset.missing_count:
            dataset = dataset.refresh()
            total = ctx.run_udf(dataset, SumUDF())["intensity"].data
            n = dataset.source.n_frames
            assert np.array_equal(total, frames[:n].sum(axis=0))
            seen.append(n)
    writer.join()
    assert len(set(seen)) > 3


def test_a_new_time_before_the_new_size_is_no_rewriting(tmp_path: Path) -> None:
    path = tmp_path / "scan.raw"
    path.write_bytes(b"0123")
    resource = Resource.of(path)
    os.utime(path, ns=(0, resource.mtime_ns + 10**9 if resource.mtime_ns else 1))

    def append() -> None:
        with path.open("ab") as file:
            file.write(b"45")

    later = threading.Timer(0.005, append)
    later.start()
    resource.check_unchanged()
    later.join()
    same = Resource.of(path)
    os.utime(path, ns=(0, 1))
    with pytest.raises(FormatError, match="rewritten"):
        same.check_unchanged()


def test_mappings_of_a_growing_file_do_not_pile_up(tmp_path: Path) -> None:
    path = tmp_path / "scan.raw"
    frames = np.random.default_rng(3).integers(0, 255, (9, 16, 16)).astype("u1")
    path.write_bytes(frames[0].tobytes())
    dataset = first = lamella.open(
        path, format="raw", dtype="u1", sig_shape=(16, 16), nav_shape=(3, 3), io_backend="mmap"
    )
    for n in range(1, 9):
        with path.open("ab") as file:
            file.write(frames[n].tobytes())
        dataset = dataset.refresh()
        assert np.array_equal(frames_of(dataset), frames[: n + 1])
        assert np.array_equal(frames_of(first), frames[:1])
    assert sum(resource.location == str(path) for resource in _kept) == 1
    forget_mappings()


def test_the_guide_follows_a_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recording = Recording(tmp_path, "blo", nav=(8, 8))
    assert recording.files == [tmp_path / "scan.blo"]
    recording.begin(recording.at(0.2))
    monkeypatch.setattr(time, "sleep", lambda seconds: recording.go_on(min(recording.size, recording.written + 1000)))
    page = Path(__file__).parents[1] / "docs" / "how-to" / "follow-a-recording.md"
    code = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec("\n".join(code), names)
    assert recording.written == recording.size
    expected = recording.data.frames.sum(axis=(1, 2)).reshape(8, 8)
    assert np.array_equal(names["intensity"], expected)
    whole = recording.open()
    ring = names["ctx"].create_ring_analysis(whole, ri=4, ro=8)
    assert np.array_equal(names["image"], names["ctx"].run(ring).intensity.raw_data)
    names["ctx"].close()
