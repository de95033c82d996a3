"""Analyses by the names and parameters of LiberTEM's classes; each gives the analysis of Lamella."""

# ruff: noqa: N802 - they have the names of the classes that they stand for

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lamella.analysis import Analysis, make_analysis

if TYPE_CHECKING:
    import lamella

__all__ = [
    "COMAnalysis",
    "DiskMaskAnalysis",
    "MasksAnalysis",
    "PickFrameAnalysis",
    "PointMaskAnalysis",
    "RadialFourierAnalysis",
    "RingMaskAnalysis",
    "SDAnalysis",
    "SumAnalysis",
    "SumSigAnalysis",
]


def _made(name: str, dataset: lamella.DataSet, parameters: Mapping[str, Any], **names: str) -> Analysis:
    given = {names.get(key, key): value for key, value in parameters.items() if key != "shape"}
    return make_analysis(name, dataset, **given)


def SumAnalysis(dataset: lamella.DataSet, parameters: Mapping[str, Any]) -> Analysis:
    """Sum of frames; parameter ``roi``."""
    return _made("sum", dataset, parameters)


def SDAnalysis(dataset: lamella.DataSet, parameters: Mapping[str, Any]) -> Analysis:
    """Standard deviation of frames; parameter ``roi``."""
    return _made("std", dataset, parameters)


def SumSigAnalysis(dataset: lamella.DataSet, parameters: Mapping[str, Any]) -> Analysis:
    """Sum over the detector."""
    return _made("sumsig", dataset, parameters)


def COMAnalysis(dataset: lamella.DataSet, parameters: Mapping[str, Any]) -> Analysis:
    """Centre of mass; parameters ``cx``, ``cy``, ``r``, ``ri``, ``flip_y``, ``scan_rotation``."""
    return _made("com", dataset, parameters, r="mask_radius", ri="mask_radius_inner")


def DiskMaskAnalysis(dataset: lamella.DataSet, parameters: Mapping[str, Any]) -> Analysis:
    """Sum over a disk; parameters ``cx``, ``cy``, ``r``."""
    return _made("disk", dataset, parameters)


def RingMaskAnalysis(dataset: lamella.DataSet, parameters: Mapping[str, Any]) -> Analysis:
    """Sum over a ring; parameters ``cx``, ``cy``, ``ri``, ``ro``."""
    return _made("ring", dataset, parameters)


def PointMaskAnalysis(dataset: lamella.DataSet, parameters: Mapping[str, Any]) -> Analysis:
    """One pixel of each frame; parameters ``cx``, ``cy``."""
    return _made("point", dataset, parameters, cx="x", cy="y")


def MasksAnalysis(dataset: lamella.DataSet, parameters: Mapping[str, Any]) -> Analysis:
    """Sums over masks; parameters ``factories``, ``use_sparse``, ``mask_count``, ``mask_dtype``, ``dtype``."""
    return _made("mask", dataset, parameters, factories="mask_factories", dtype="preferred_dtype")


def RadialFourierAnalysis(dataset: lamella.DataSet, parameters: Mapping[str, Any]) -> Analysis:
    """Fourier components of rings; parameters ``cx``, ``cy``, ``ri``, ``ro``, ``n_bins``, ``max_order``."""
    return _made("radial_fourier", dataset, parameters)


def PickFrameAnalysis(dataset: lamella.DataSet, parameters: Mapping[str, Any]) -> Analysis:
    """One frame; parameters ``x``, ``y``, ``z``."""
    return _made("pick", dataset, parameters)
