"""The checks that every format has to pass."""

from lamella_mrc.conformance import MrcSampler
from lamella_testkit import FormatConformance


class TestMrc(FormatConformance):
    sampler = MrcSampler
