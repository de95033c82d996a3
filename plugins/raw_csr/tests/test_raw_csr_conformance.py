"""The checks that every format has to pass."""

from lamella_raw_csr.conformance import RawCsrSampler
from lamella_testkit import FormatConformance


class TestRawCsr(FormatConformance):
    sampler = RawCsrSampler
    level = 3
