"""Level 3, robust: the kernels of a plugin are not compiled yet."""

from __future__ import annotations

import sys

import numpy as np

from lamella.codecs import Kernel
from lamella.kernels.library import only_fallbacks
from lamella_testkit.checking import check
from lamella_testkit.diagnose import expect_equal
from lamella_testkit.kit import Kit
from lamella_testkit.modules import modules_of


@check(level=3, since="2026.2")
def kernels_need_not_be_compiled(kit: Kit) -> None:
    """Until the kernels of a plugin are compiled, and where they cannot be, the same pixels are read.

    The NumPy version of a kernel takes the same arguments, and writes the same results, as the compiled one.
    """
    kit.needs(_has_kernels(kit), "the plugin has no kernels of its own")
    with only_fallbacks(kit.package):
        for data in kit.kinds():
            with kit.case(data):
                found = kit.open(kit.written(data)).read()
                expect_equal(found, data.pixels, "the full read", sig_dims=len(data.sig_shape))
        for variant in kit.sampler.variants:
            for one, sample in kit.special(kit.data(variant=variant)):
                if one.pixels is not None:
                    pixels, ds = np.asarray(one.pixels), kit.open(sample)
                    valid = ds.valid_mask
                    sig_dims = len(ds.shape.sig)
                    expect_equal(ds.read(fill=0)[valid], pixels[valid], "steps that have a frame", sig_dims=sig_dims)


def _has_kernels(kit: Kit) -> bool:
    kit.reader  # noqa: B018 -- it is imported
    modules = (sys.modules.get(name) for name in modules_of(kit.spec, type(kit.sampler)))
    return any(isinstance(value, Kernel) for module in modules if module for value in vars(module).values())
