"""The checks that every format has to pass."""

from lamella_mib.conformance import MibSampler
from lamella_testkit import FormatConformance


class TestMib(FormatConformance):
    sampler = MibSampler
