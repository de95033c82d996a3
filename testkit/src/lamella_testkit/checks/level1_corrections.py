"""Level 1, readable: dark frame, gain map and excluded pixels are those that belong to the data."""

from __future__ import annotations

from lamella_testkit.checking import check
from lamella_testkit.kit import Kit
from lamella_testkit.stated import expect_corrections

_DETECTORS = ((5, 6), (3, 8))


@check(level=1, since="2026.2")
def corrections_are_what_was_written(kit: Kit) -> None:
    """Dark frame, gain map and excluded pixels are those that the sampler wrote, each array at its place, or none.

    `corrections` of the sampler gives them. Frames are not square here, so rows and columns that are exchanged show.
    """
    told = False
    for variant in kit.sampler.variants:
        for sig_shape in _DETECTORS:
            data = kit.data((3, 4), sig_shape, variant=variant)
            expected = kit.sampler.corrections(data)
            if expected is NotImplemented:
                continue
            told = True
            with kit.case(data):
                expect_corrections(kit.source(kit.written(data)).info.corrections, expected)
    kit.needs(told, "the sampler does not say which corrections it writes")
