"""The checks that every format has to pass."""

from lamella_seq.conformance import SeqSampler
from lamella_testkit import FormatConformance


class TestSeq(FormatConformance):
    sampler = SeqSampler
