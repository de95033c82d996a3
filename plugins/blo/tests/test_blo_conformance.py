"""The checks that every format has to pass."""

from lamella_blo.conformance import BloSampler
from lamella_testkit import FormatConformance


class TestBlo(FormatConformance):
    sampler = BloSampler
