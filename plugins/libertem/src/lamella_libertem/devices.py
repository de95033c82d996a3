"""What there is to compute with: processors."""

from __future__ import annotations

import os
from typing import TypedDict

from lamella.errors import ParameterError

__all__ = [
    "Devices",
    "detect",
    "get_device_class",
    "get_use_cpu",
    "get_use_cuda",
    "has_cupy",
    "set_file_limit",
    "set_use_cpu",
    "set_use_cuda",
]


class Devices(TypedDict):
    """Numbers of processors and of GPUs, and whether CuPy can be used."""

    cpus: list[int]
    cudas: list[int]
    has_cupy: bool


def detect() -> Devices:
    """Give the processors that this process may use; GPUs are not used."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return {"cpus": list(usable), "cudas": [], "has_cupy": False}


def has_cupy() -> bool:
    """Say no: UDFs get NumPy arrays."""
    return False


def get_device_class() -> str:
    """Give ``"cpu"``."""
    return "cpu"


def get_use_cpu() -> int:
    """Give 0."""
    return 0


def get_use_cuda() -> None:
    """Give None: no GPU is used."""


def set_use_cpu(cpu: int) -> None:
    """Do nothing: processors are used in any case."""


def set_use_cuda(cuda_device: int) -> None:
    """Refuse to use a GPU.

    Raises
    ------
    ParameterError
        In any case.
    """
    raise ParameterError("Lamella computes with NumPy arrays: use set_use_cpu", field="cuda_device")


def set_file_limit() -> None:
    """Do nothing: few files are open at a time."""
