"""The checks that every format has to pass."""

from lamella_frms6.conformance import Frms6Sampler
from lamella_testkit import FormatConformance


class TestFrms6(FormatConformance):
    sampler = Frms6Sampler
