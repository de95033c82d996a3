"""The checks that every format has to pass."""

from lamella_npy.conformance import NpySampler
from lamella_testkit import FormatConformance


class TestNpy(FormatConformance):
    sampler = NpySampler
