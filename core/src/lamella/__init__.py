"""Lamella opens 4D-STEM scans of any size, from any detector, and streams them through computations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.format import API_VERSION as API_VERSION
from lamella.system.late import provide_late
from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.api import Context as Context, open as open
    from lamella.dataset.dataset import DataSet as DataSet
    from lamella.errors import (
        FormatError as FormatError,
        LamellaError as LamellaError,
        LamellaWarning as LamellaWarning,
        ParameterError as ParameterError,
    )
    from lamella.firstlook.look import FirstLook as FirstLook, first_look as first_look
    from lamella.firstlook.script import script_of as script_of
    from lamella.kernels.library import wait_until_compiled as wait_until_compiled
    from lamella.opening.check import CheckReport as CheckReport, check as check
    from lamella.opening.detect import Report as Report, detect as detect
    from lamella.opening.open import Recipe as Recipe
    from lamella.plugins.hooks import hookimpl as hookimpl
    from lamella.plugins.registry import default_registry as default_registry
    from lamella.udf.base import UDF as UDF

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.api": "Context open",
        "lamella.dataset.dataset": "DataSet",
        "lamella.errors": "FormatError LamellaError LamellaWarning ParameterError",
        "lamella.firstlook.look": "FirstLook first_look",
        "lamella.firstlook.script": "script_of",
        "lamella.kernels.library": "wait_until_compiled",
        "lamella.opening.check": "CheckReport check",
        "lamella.opening.detect": "Report detect",
        "lamella.opening.open": "Recipe",
        "lamella.plugins.hooks": "hookimpl",
        "lamella.plugins.registry": "default_registry",
        "lamella.udf.base": "UDF",
    },
)
provide_late(
    arrays_to_xarray="lamella.interop.xarraybridge:arrays_to_xarray",
    plot_dataset="lamella.firstlook.plotting:plot_dataset",
    plot_results="lamella.plot.results:plot_results",
    refreshed="lamella.opening.refresh:refreshed",
    to_dask="lamella.interop.daskarray:to_dask",
    to_hyperspy="lamella.interop.rsciiodata:to_hyperspy",
    to_rsciio="lamella.interop.rsciiodata:to_rsciio",
    to_xarray="lamella.interop.xarraybridge:to_xarray",
    view_dataset="lamella.firstlook.viewing:view_dataset",
)
__all__ += ["API_VERSION", "__version__"]
