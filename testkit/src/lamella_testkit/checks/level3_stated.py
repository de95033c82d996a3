"""Level 3, robust: what a reader finds is stated by the sampler, in usual files and in special ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.dataset.framereader import FrameReader
from lamella.errors import FrameMissingError, LamellaError
from lamella.io.buffered import BufferedBackend
from lamella.params.fields import describe
from lamella.reader import Axis, Caution, Confidence, FrameSource, Probe, SigBox, SourceInfo
from lamella_testkit.asking import asked
from lamella_testkit.checking import check
from lamella_testkit.described import described, differences
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.kit import Kit
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import Sample, SampleData, Special
from lamella_testkit.stated import (
    expect_axes,
    expect_corrections,
    expect_details,
    expect_metadata,
    expect_notes,
    expect_numbers,
    expect_per_frame,
    expect_raw_metadata,
)


def _each(kit: Kit) -> Iterator[SampleData]:
    for variant in kit.sampler.variants:
        yield kit.data(variant=variant)


@check(level=3, since="2026.2")
def special_files_are_read_as_stated(kit: Kit) -> None:
    """Special files show what the sampler states: lost frames as gaps, no frames from before the scan, parameters.

    `index` of the source says which stored frame each step shows, -1 where it was lost. Arrays per frame have one
    entry per stored frame, also for frames that are not shown. Detection recognises special files like usual ones, but
    for those of which the sampler states another confidence. What a procedural source gives at once, it gives in parts.
    """
    some = False
    for data in _each(kit):
        for one, sample in kit.special(data):
            some = True
            _expect_special(kit, one, sample)
    kit.needs(some, "the sampler writes no special files")


def _expect_special(kit: Kit, one: Special, sample: Sample) -> None:
    _expect_recognised(kit, one, sample)
    ds = kit.open(sample)
    info = ds.info
    if isinstance(ds.source, FrameSource):
        _expect_parts(kit, ds.source)
    lowest = -1 if info.index is None else int(np.min(info.index, initial=-1))
    kit.expect(lowest == -1, f"the index says {lowest} for a step without a frame, expected -1")
    if one.pixels is not None:
        pixels = np.asarray(one.pixels)
        nav = pixels.shape[: pixels.ndim - len(ds.shape.sig)]
        kit.expect(tuple(ds.shape.nav) == nav, f"nav_shape is {tuple(ds.shape.nav)}, expected {nav}")
        valid = np.ones(nav, np.bool_) if one.valid is None else np.asarray(one.valid)
        wrong = np.argwhere(ds.valid_mask != valid)
        if len(wrong):
            at = tuple(int(i) for i in wrong[0])
            has, expected = ("no frame", "one") if valid[at] else ("a frame", "none")
            raise Broken(f"{len(wrong)} steps differ, the first is {at}: there is {has}, expected {expected}")
        expect_equal(ds.read(fill=0)[valid], pixels[valid], "the steps that have a frame", sig_dims=len(ds.shape.sig))
    if one.per_frame is not None:
        expect_per_frame(info, one.per_frame)
    if one.corrections is not None:
        expect_corrections(info.corrections, one.corrections)
    if one.metadata is not None:
        expect_metadata(info, one.metadata)
    if one.raw_metadata is not None:
        expect_raw_metadata(info, one.raw_metadata)
    if one.details is not None:
        expect_details(info, one.details)
    if one.axes is not None:
        expect_axes(ds.axes, one.axes, named=True)
    if one.navigator is not None:
        kit.expect(info.navigator is not None, "there is no navigator")
        assert info.navigator is not None
        expect_numbers(info.navigator(), one.navigator, "the navigator")
    elif info.navigator is not None:
        shape = np.shape(info.navigator())
        kit.expect(shape == tuple(ds.shape.nav), f"the navigator has shape {shape}, expected {tuple(ds.shape.nav)}")
    if one.notes is not None:
        expect_notes(info, one.notes)
    if one.warnings is not None:
        warned = [note for note in info.notes if isinstance(note, Caution)]
        kit.expect(len(warned) == one.warnings, f"there are {len(warned)} warnings, expected {one.warnings}: {warned}")
    if one.alternatives is not None:
        offered = [shape for shape, _ in info.nav_alternatives]
        stated = list(one.alternatives)
        kit.expect(offered == stated, f"the other shapes of the scan are {offered}, expected {stated}")


def _expect_parts(kit: Kit, source: FrameSource) -> None:
    """Read the inner pixels of the last frame, of the first, and of the last again, and compare with whole frames."""
    last, shape = source.n_frames - 1, source.sig_shape
    inner = SigBox(tuple(min(1, n - 1) for n in shape), tuple(max(1, n - 2) for n in shape))
    frames = np.asarray([last, 0, last], dtype=np.int64)
    try:
        whole, part = _read(source, frames, SigBox.full(shape)), _read(source, frames, inner)
    except FrameMissingError:  # a lost frame: it is compared at the step that lacks it
        return
    expect_equal(part, whole[(slice(None), *inner.slices)], "part of the last frame, the first, and the last")
    view = source.view(range(last, last + 1), inner)
    if view is not None:
        expect_equal(view, part[:1], "a view of a part of the last frame")
        kit.expect(not view.flags.writeable, "the view can be written to")


def _read(source: FrameSource, frames: NDArray[np.int64], box: SigBox) -> NDArray[Any]:
    with FrameReader(source, BufferedBackend()) as reader:
        return np.array(reader.read(frames, box))


def _expect_recognised(kit: Kit, one: Special, sample: Sample) -> None:
    """Ask detection, which must not give up on right files because they are not usual."""
    match = asked(kit, Probe.of(sample.target))
    found = 0 if match is None else match.confidence
    usual = Confidence.MAGIC if kit.spec.signatures else kit.sampler.confidence
    if one.confidence is None:
        kit.expect(found >= usual, f"the confidence is {found}, expected at least {usual}")
    else:
        kit.expect(found == one.confidence, f"the confidence is {found}, expected {one.confidence}")


@check(level=3, since="2026.2")
def what_is_reported_is_stated(kit: Kit) -> None:
    """Whatever a reader reports about a file, the sampler states: metadata, arrays per frame, corrections, axes.

    What is not stated, nobody has compared. State it by the method of that name, or name it in `unsaid` with a reason.
    """
    unstated: dict[str, str] = {}
    reported: set[str] = set()
    for data in _each(kit):
        with kit.case(data):
            ds = kit.open(kit.written(data))
            stated = set(_stated(kit, data))
            for name, value in _reported(ds.info, ds.axes):
                reported.add(name)
                if name not in stated and name not in kit.sampler.unsaid:
                    unstated.setdefault(name, value)
        for one, sample in kit.special(data):
            ds = kit.open(sample)
            if ds.info.index is not None and (ds.info.index < 0).any():
                reported.add("index")
                if one.pixels is None and "index" not in kit.sampler.unsaid:
                    unstated.setdefault("index", "steps without a frame")
    kit.current = None
    if unstated:
        lines = [f"{name}: {value}" for name, value in unstated.items()]
        raise Broken("the sampler does not state\n" + "\n".join(lines))
    names = {name for name in kit.sampler.unsaid if not name.startswith("parameters.")}
    stale = sorted(names - reported)
    kit.expect(not stale, f"`unsaid` excuses what is not reported: {', '.join(stale)}")
    empty = sorted(key for key, why in kit.sampler.unsaid.items() if not why.strip())
    kit.expect(not empty, f"`unsaid` gives no reason for {', '.join(empty)}")


def _reported(info: SourceInfo, axes: tuple[Axis, ...]) -> Iterator[tuple[str, str]]:
    """Give what a reader found, each with a few words about it."""
    for name, value in info.metadata.to_json().items():
        yield f"metadata.{name}", repr(value)
    for name in info.per_frame:
        yield f"per_frame.{name}", "an array"
    if info.corrections is not None:
        yield "corrections", "dark frame, gain map or excluded pixels"
    if info.navigator is not None:
        yield "navigator", "an image of the scan"
    if info.notes:
        yield "notes", info.notes[0]
    if info.raw_metadata:
        yield "raw_metadata", ", ".join(sorted(info.raw_metadata)[:8])
    calibrated = [axis for axis in axes if axis.units is not None]
    if calibrated:
        yield "axes", str(calibrated[0])
    if info.index is not None and (info.index < 0).any():
        yield "index", "steps without a frame"


def _stated(kit: Kit, data: SampleData) -> Iterator[str]:
    """Give the names of what the sampler states about a usual file."""
    sampler = kit.sampler
    yield from (f"metadata.{name}" for name in sampler.metadata(data))
    yield from (f"per_frame.{name}" for name in sampler.per_frame(data))
    if sampler.corrections(data) is not NotImplemented:
        yield "corrections"
    if sampler.navigator(data) is not NotImplemented:
        yield "navigator"
    if sampler.expects_notes(data) is not None:
        yield "notes"
    if sampler.raw_metadata(data):
        yield "raw_metadata"
    if sampler.axes(data) is not None:
        yield "axes"


@check(level=3, since="2026.2")
def parameters_have_an_effect(kit: Kit) -> None:
    """Each parameter of the format changes what is read of some file of the sampler, or is needed to open it.

    Give it among the keywords of `write`, or of a special file in `write_special` that states what is read then. What
    cannot be shown here stands in `unsaid` as `parameters.NAME`, with a reason.
    """
    names = [info.name for info in describe(kit.plugin.params_class())]
    kit.needs(names, "the format has no parameters")
    waiting, given = set(names), set()
    for data in _each(kit):
        with kit.case(data):
            sample = kit.written(data)
            given |= set(names) & set(sample.keywords)
            waiting -= set(_effective(kit, sample, waiting))
        for _, special in kit.special(data):
            given |= set(names) & set(special.keywords)
            waiting -= set(_effective(kit, special, waiting))
    kit.current = None
    excused = {name.removeprefix("parameters.") for name in kit.sampler.unsaid if name.startswith("parameters.")}
    left = sorted(waiting - excused)
    never = [name for name in left if name not in given]
    kit.expect(not never, f"no file of the sampler is opened with {', '.join(never)}")
    kit.expect(not left, f"the same is read without {', '.join(left)}")
    stale = sorted(excused - waiting)
    kit.expect(not stale, f"`unsaid` excuses parameters that have an effect, or are not there: {', '.join(stale)}")


def _effective(kit: Kit, sample: Sample, names: set[str]) -> Iterator[str]:
    """Give the parameters without which a file is read otherwise, or not at all."""
    asked = sorted(names & set(sample.keywords))
    if not asked:
        return
    before = described(kit.open(sample))
    for name in asked:
        rest: Mapping[str, Any] = {key: value for key, value in sample.keywords.items() if key != name}
        try:
            after = described(kit.open(Sample(sample.data, sample.directory, sample.target, rest)))
        except (LamellaError, OSError):
            yield name
            continue
        if any(differences(before, after)):
            yield name
