"""Level 1, readable: what the file says about itself, in forms that other programs can use."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from lamella.format import Capability
from lamella.reader import SourceInfo
from lamella_testkit.checking import check
from lamella_testkit.kit import Kit
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import SampleData
from lamella_testkit.soundness import axis_problems, json_problems, metadata_problems
from lamella_testkit.stated import (
    expect_axes,
    expect_metadata,
    expect_notes,
    expect_numbers,
    expect_per_frame,
    expect_raw_metadata,
)


def _infos(kit: Kit, *more: SampleData) -> Iterator[tuple[SampleData, SourceInfo]]:
    for data in (*kit.kinds(), *more):
        with kit.case(data):
            yield data, kit.source(kit.written(data)).info


@check(level=1)
def metadata_is_json(kit: Kit) -> None:
    """Raw metadata, details and diagnostics are JSON: strings, finite numbers, lists, and dictionaries with text keys.

    NumPy numbers, bytes, NaN and tuples as keys are not; translate them with `int`, `float`, `decode`, None.
    """
    for data, info in _infos(kit):
        _expect_none(json_problems("raw_metadata", dict(info.raw_metadata)))
        _expect_none(json_problems("details", dict(info.details)))
        _expect_none(json_problems("diagnostics", kit.open(kit.written(data)).diagnostics))


def _expect_none(problems: Iterator[str]) -> None:
    for problem in problems:
        raise Broken(problem)


@check(level=1)
def metadata_is_typed(kit: Kit) -> None:
    """Every entry of the metadata has its type: plain text, plain finite numbers, times as ISO 8601."""
    for _, info in _infos(kit):
        _expect_none(metadata_problems(info))


@check(level=1)
def metadata_is_what_was_written(kit: Kit) -> None:
    """What the sampler says it wrote about the measurement is what the reader reports, in the units of the schema.

    Energies are in eV, lengths in m, angles in degrees, times in s; see `lamella.reader.Metadata`.
    """
    told = False
    for data, info in _infos(kit):
        expected = kit.sampler.metadata(data)
        told = told or bool(expected)
        expect_metadata(info, expected)
    declared = kit.has(Capability.METADATA)
    if told and not declared:
        raise Broken(f"the files hold metadata, but the capability {Capability.METADATA} is not declared")
    if not declared:
        for _, info in _infos(kit):
            found = info.metadata.to_json()
            kit.expect(not found, f"it reports {found}, but the capability {Capability.METADATA} is not declared")
    kit.needs(told, "the sampler writes no metadata")


@check(level=1)
def axes_are_complete(kit: Kit) -> None:
    """There is one axis for each dimension or none; each has a name of its own, a finite scale, and units or None."""
    for data, info in _infos(kit):
        _expect_none(axis_problems(info, len(data.sig_shape)))
        _expect_none(_without_units(info))
        for axes, rank in ((info.nav_axes, len(data.nav_shape)), (info.sig_axes, len(data.sig_shape))):
            kit.expect(len(axes) in (0, rank), f"there are {len(axes)} axes for {rank} dimensions")
        names = [axis.name for axis in kit.open(kit.written(data)).axes]
        kit.expect(len(set(names)) == len(names), f"axes share a name: {names}")


def _without_units(info: SourceInfo) -> Iterator[str]:
    """Say which axes of a sound file have a scale and no units; damage may have taken those of other files."""
    for axis in (*info.nav_axes, *info.sig_axes):
        if axis.units is None and (axis.scale, axis.offset) != (1, 0):
            yield f"axis {axis.name!r} has a scale of {axis.scale:g}, but no units; say what they are"


@check(level=1)
def axes_are_what_was_written(kit: Kit) -> None:
    """Each axis has the scale, offset and units that the sampler wrote, in NumPy's order.

    Scales of scan and detector differ from axis to axis, so an exchange of x and y shows here.
    """
    told = False
    for data, _ in _infos(kit):
        expected = kit.sampler.axes(data)
        if expected is None:
            continue
        told = True
        expect_axes(kit.open(kit.written(data)).axes, expected)
    kit.needs(told, "the sampler writes no calibration")


@check(level=1)
def per_frame_data_fit(kit: Kit) -> None:
    """Arrays per frame have one entry per stored frame, the navigator has the shape of the scan; all is as written."""
    some = False
    for data, info in _infos(kit):
        for name, give in info.per_frame.items():
            some = True
            found = np.asarray(give())
            kit.expect(found.shape[:1] == (data.n_frames,), f"{name!r} has shape {found.shape}")
        expected = kit.sampler.per_frame(data)
        some = some or bool(expected)
        expect_per_frame(info, expected)
        if info.navigator is not None:
            some = True
            picture = np.asarray(info.navigator())
            wanted = tuple(info.nav_shape or (data.n_frames,))
            kit.expect(picture.shape == wanted, f"the navigator has shape {picture.shape}, expected {wanted}")
        image = kit.sampler.navigator(data)
        if image is not NotImplemented:
            some = True
            kit.expect(
                (image is None) == (info.navigator is None),
                "there is " + ("a" if image is None else "no") + " navigator",
            )
            if info.navigator is not None:
                expect_numbers(info.navigator(), image, "the navigator")
        kit.expect(
            info.corrections is None or kit.has(Capability.CORRECTIONS),
            f"{data} brings corrections, but the capability {Capability.CORRECTIONS} is not declared",
        )
    kit.needs(some, "the files hold nothing per frame")


@check(level=1)
def raw_metadata_are_complete(kit: Kit) -> None:
    """What the sampler says it wrote stands in the raw metadata, untouched: text as text, numbers as numbers."""
    told = False
    for data, info in _infos(kit):
        expected = kit.sampler.raw_metadata(data)
        told = told or bool(expected)
        expect_raw_metadata(info, expected)
    kit.needs(told, "the sampler does not say what is in the raw metadata")


@check(level=1)
def fingerprint_follows_the_content(kit: Kit) -> None:
    """The fingerprint is the same each time a scan is opened, and another one once any of its data files has changed.

    Every file that pixels come from belongs into the `resources` of the source; what has no file, into `identity`.
    """
    for variant in kit.sampler.variants:
        data, other = kit.data(variant=variant), kit.data(variant=variant, seed=1)
        sample = kit.fresh(data)
        with kit.case(data):
            before = kit.open(sample).fingerprint
            kit.expect(kit.open(sample).fingerprint == before, "the fingerprint differs when the scan is opened twice")
            shifted = kit.open(sample, sync_offset=1).fingerprint
            kit.expect(shifted != before, "the fingerprint does not depend on sync_offset")
            if not kit.of_files:
                kit.expect(kit.open(kit.written(other)).fingerprint != before, "other data have the same fingerprint")
                continue
        for file in sample.files:
            with kit.case(f"{data}, {file.name} replaced"):
                _expect_new_fingerprint(kit, sample.directory, file.name, data, other)


def _expect_new_fingerprint(
    kit: Kit, directory: os.PathLike[str], name: str, data: SampleData, other: SampleData
) -> None:
    sample = kit.copy(kit.written(data))
    ds = kit.open(sample)
    before, pixels = ds.fingerprint, ds.read()
    source = kit.written(other).directory / name
    if not source.exists():
        return
    place = sample.directory / name
    status = place.stat()
    place.write_bytes(source.read_bytes())
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
    again = kit.open(sample)
    if not np.array_equal(again.read(), pixels):
        kit.expect(again.fingerprint != before, f"{name} was replaced, the pixels differ, the fingerprint does not")


@check(level=1)
def notes_have_a_reason(kit: Kit) -> None:
    """A file without a problem has no note, and one with a peculiarity has one.

    Users learn to overlook notes that come for nothing. The sampler says by `expects_notes` which files deserve one.
    """
    told = False
    rows = [kit.data((1, 5), (1, 1), variant=variant) for variant in kit.sampler.variants]
    for data, info in _infos(kit, *rows):
        expected = kit.sampler.expects_notes(data)
        if expected is None:
            continue
        told = True
        expect_notes(info, expected)
    kit.needs(told, "the sampler does not say which files deserve a note")
