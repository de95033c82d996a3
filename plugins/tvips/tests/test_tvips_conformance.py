"""The checks that every format has to pass."""

from lamella_testkit import FormatConformance
from lamella_tvips.conformance import TvipsSampler


class TestTvips(FormatConformance):
    sampler = TvipsSampler
