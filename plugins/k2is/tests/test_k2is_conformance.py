"""The checks that every format has to pass; damaging files takes minutes, as each frame has 6 MB in eight files."""

import pytest

from lamella_k2is.conformance import K2isSampler
from lamella_testkit import FormatConformance


class TestK2is(FormatConformance):
    sampler = K2isSampler
    level = 2


@pytest.mark.slow
class TestK2isDamaged(FormatConformance):
    sampler = K2isSampler
    profile = "dev"
