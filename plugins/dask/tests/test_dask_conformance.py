"""The checks that every format has to pass."""

from lamella_dask.formatsampler import DaskSampler
from lamella_testkit import FormatConformance


class TestDask(FormatConformance):
    sampler = DaskSampler
