"""Mask factories: circles, rings, gradients and bins on the detector, dense and sparse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.masks.binning import binned as binned
    from lamella.masks.factories import (
        background_subtraction as background_subtraction,
        balance as balance,
        bounding_radius as bounding_radius,
        circular as circular,
        gradient_x as gradient_x,
        gradient_y as gradient_y,
        polar_map as polar_map,
        radial_bins as radial_bins,
        radial_gradient as radial_gradient,
        radial_gradient_background_subtraction as radial_gradient_background_subtraction,
        rectangular as rectangular,
        ring as ring,
        sparse_circular_multi_stack as sparse_circular_multi_stack,
        sparse_template_multi_stack as sparse_template_multi_stack,
    )
    from lamella.masks.stack import SparseMasks as SparseMasks

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.masks.factories": (
            "background_subtraction balance bounding_radius circular gradient_x gradient_y polar_map "
            "radial_bins radial_gradient radial_gradient_background_subtraction rectangular "
            "ring sparse_circular_multi_stack sparse_template_multi_stack"
        ),
        "lamella.masks.binning": "binned",
        "lamella.masks.stack": "SparseMasks",
    },
)
