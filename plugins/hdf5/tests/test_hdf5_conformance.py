"""The checks that every format has to pass."""

from lamella_hdf5.conformance import Hdf5Sampler
from lamella_testkit import FormatConformance


class TestHdf5(FormatConformance):
    sampler = Hdf5Sampler
