"""The checks that every format has to pass."""

from lamella_dm.conformance import DmSampler
from lamella_testkit import FormatConformance


class TestDm(FormatConformance):
    sampler = DmSampler
