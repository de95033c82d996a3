"""Level 1, readable: whatever the file is called and wherever it lies; nothing else is touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lamella.format import Capability
from lamella.reader import FrameSource, Probe
from lamella_testkit.audit import watch
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.kit import Kit
from lamella_testkit.limits import bytes_read, open_descriptors
from lamella_testkit.outcomes import Broken, NotHere
from lamella_testkit.sample import Sample

_NAMES = ("with space", "ünïcode µ-扫描", "[0-9]*? brackets", "100% {x} #1", "dots.in.name", "-dash", "UPPER")


def _expect_all(kit: Kit, sample: Sample, target: object = None) -> None:
    ds = kit.open(sample, target)
    expect_equal(ds.read(), sample.data.pixels, "the full read", sig_dims=len(sample.data.sig_shape))


def _each_variant(kit: Kit) -> list[Sample]:
    return [kit.written(kit.data(variant=variant)) for variant in kit.sampler.variants]


@check(level=1, targets=("path",))
def any_kind_of_path_is_taken(kit: Kit) -> None:
    """A path may be a `str` or a `Path`, absolute or relative, and the working directory may change later.

    Take paths from `probe.path`, which is absolute.
    """
    for sample in _each_variant(kit):
        home = Path.cwd()
        for target in (sample.path, str(sample.path), sample.path.parent / "." / sample.path.name):
            with kit.case(f"{sample.data}, path {type(target).__name__}"):
                _expect_all(kit, sample, target)
        with kit.case(f"{sample.data}, relative path"):
            try:
                os.chdir(sample.path.parent)
                ds = kit.open(sample, sample.path.name)
                os.chdir(sample.directory.parent)
                expect_equal(ds.read(), sample.data.pixels, "the full read")
            finally:
                os.chdir(home)


@check(level=1, targets=("path",))
def any_file_name_is_taken(kit: Kit) -> None:
    """Names of files and directories may hold spaces, brackets, percent signs, dots and letters of any language.

    Do not pass names to `glob`, `format` or a shell; `probe.siblings` lists the names beside the file.
    """
    for variant in kit.sampler.variants:
        for name in kit.few(_NAMES):
            with kit.case(f"variant {variant!r}, name {name!r}"):
                sample = kit.written(kit.data((2, 2), variant=variant).but(stem=name))
                directory = kit.directory() / name
                _expect_all(kit, sample)
                _expect_all(kit, kit.copy(sample, directory))


@check(level=1, targets=("path",))
def neighbours_are_left_alone(kit: Kit) -> None:
    """Other scans in the same directory do not get mixed in, however much their names look alike.

    A name that begins like this one is not a part of this scan: `a_1` is not `a_10`. Match names exactly.
    """
    for variant in kit.sampler.variants:
        data = kit.data((2, 2), variant=variant).but(stem="scan_1")
        alike = list(enumerate(kit.few(_ALIKE), start=1))
        others = [kit.data((2, 2), variant=variant, seed=i).but(stem=stem) for i, stem in alike]
        sample = kit.copy(kit.written(data))
        for other in others:
            for file in kit.written(other).files:
                place = sample.directory / file.relative_to(kit.written(other).directory)
                if not place.exists():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, place)
        with kit.case(f"{data}, beside files of {', '.join(stem for _, stem in alike)}"):
            _expect_all(kit, sample)


_ALIKE = ("scan_10", "scan_", "scan", "scan_1RAW", "scan_1_1", "scan_1.1", "SCAN_1", "ascan_1", "scan_2")


@check(level=1, targets=("path",))
def links_are_followed(kit: Kit) -> None:
    """A symbolic link to a directory with the files, and one to a file that is complete in itself, can be opened."""
    for sample in _each_variant(kit):
        link = kit.directory() / "link"
        try:
            link.symlink_to(sample.directory, target_is_directory=True)
        except OSError as error:
            raise NotHere(f"links cannot be made here: {error}") from None
        with kit.case(f"{sample.data}, link to its directory"):
            _expect_all(kit, sample, link / sample.path.relative_to(sample.directory))
        if not sample.sidecars:
            alone = link.parent / sample.path.name
            alone.symlink_to(sample.path)
            with kit.case(f"{sample.data}, link to the file"):
                _expect_all(kit, sample, alone)


@check(level=1, targets=("path",))
def files_are_only_read(kit: Kit) -> None:
    """Opening and reading changes nothing on disk, touches no other file, and starts nothing.

    Readers look at files through the probe, and never write, not even a cache beside the data.
    """
    for variant in kit.sampler.variants:
        sample = kit.fresh(kit.data(variant=variant))
        _expect_all(kit, sample)  # modules that are imported on first use are imported now
        before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in sample.files}
        for path in sample.files:
            path.chmod(0o444)
        sample.directory.chmod(0o555)
        try:
            with kit.case(sample.data), watch() as seen:
                _expect_all(kit, sample)
        finally:
            sample.directory.chmod(0o755)
        kit.expect(not seen.written, f"it writes {', '.join(path.name for path in seen.written)}")
        kit.expect(not seen.forbidden, f"it {', '.join(seen.forbidden)}")
        outside = [str(path) for path in seen.outside(sample.directory)]
        kit.expect(not outside, f"it opens {', '.join(outside)}")
        after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in sample.files}
        kit.expect(before == after, "files were changed, added or removed")


@check(level=1, targets=("path",))
def open_reads_a_header_only(kit: Kit) -> None:
    """Opening reads no more than headers: 64 KiB, 256 bytes per frame and two frames, and maps nothing.

    Read headers with `probe.head` and `probe.read`. Pixels are read by the core, when somebody wants them.
    """
    data = kit.data((16, 16), (128, 128))
    sample = kit.written(data)
    frame = data.nbytes // data.n_frames
    allowed = (64 << 10) + 256 * data.n_frames + 2 * frame
    kit.needs(sample.nbytes > 2 * allowed, "the files are too small to tell headers from pixels")
    source = kit.source(sample)  # what is imported on first use has been read now
    probe = Probe.of(sample.target)
    params = kit.params(sample)
    with kit.case(data), watch() as seen:
        before = bytes_read()
        kit.reader.open(params, probe)
        after = bytes_read()
    amount = probe.bytes_read if before is None or after is None else after - before
    kit.expect(amount <= allowed, f"opening reads {amount} bytes of {sample.nbytes}, expected at most {allowed}")
    if not isinstance(source, FrameSource):
        kit.expect(seen.mapped <= allowed, "opening maps the file into memory")


@check(level=1, targets=("path",))
def open_holds_no_file(kit: Kit) -> None:
    """After opening, no file is left open; a data set can lie about for days without a handle.

    Use `probe.read`, or close what `open` opens with a `with` statement.
    """
    if open_descriptors() is None:
        raise NotHere("this platform does not list open files")
    for sample in _each_variant(kit):
        kit.source(sample)
        before = open_descriptors() or set()
        with kit.case(sample.data):
            source = kit.source(sample)
            left = {entry for entry in (open_descriptors() or set()) - before if str(sample.directory) in entry}
        del source
        kit.expect(not left, f"still open: {', '.join(sorted(left))}")


@check(level=1, targets=("path",))
def several_files_are_declared(kit: Kit) -> None:
    """A source made of several data files declares the capability multi-file, and one that declares it has them."""
    sources = [(sample, kit.source(sample)) for sample in _each_variant(kit)]
    most = max(len(source.resources) for _, source in sources)
    if most > 1 and not kit.has(Capability.MULTI_FILE):
        raise Broken(f"a sample consists of {most} files, but the capability {Capability.MULTI_FILE} is not declared")
    for sample, source in sources:
        for resource in source.resources:
            with kit.case(f"{sample.data}, {Path(resource.path).name}"):
                kit.expect(Path(resource.path).is_absolute(), f"the path {resource.path!r} is not absolute")
                size = Path(resource.path).stat().st_size
                kit.expect(resource.size == size, f"the source says {resource.size} bytes, the file has {size}")
