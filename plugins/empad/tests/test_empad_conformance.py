"""The checks that every format has to pass."""

from lamella_empad.conformance import EmpadSampler
from lamella_testkit import FormatConformance


class TestEmpad(FormatConformance):
    sampler = EmpadSampler
