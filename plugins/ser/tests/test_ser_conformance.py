"""The checks that every format has to pass."""

from lamella_ser.conformance import SerSampler
from lamella_testkit import FormatConformance


class TestSer(FormatConformance):
    sampler = SerSampler
