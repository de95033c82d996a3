"""The checks that every format has to pass."""

from lamella_raw.conformance import RawSampler
from lamella_testkit import FormatConformance


class TestRaw(FormatConformance):
    sampler = RawSampler
