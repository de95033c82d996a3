"""The checks that every format has to pass."""

from lamella_memory.conformance import MemorySampler
from lamella_testkit import FormatConformance


class TestMemory(FormatConformance):
    sampler = MemorySampler
