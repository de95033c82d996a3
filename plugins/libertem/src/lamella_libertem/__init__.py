"""Lets packages and scripts that import LiberTEM run with Lamella.

After `install`, ``import libertem`` and its modules answer with names of Lamella. Nothing else changes: no class of
Lamella, and no file of an installed package. `uninstall` takes it back.

Examples
--------
>>> import lamella_libertem
>>> lamella_libertem.install(replace=True)
>>> from libertem.api import Context
>>> from libertem.io.dataset.memory import MemoryDataSet
>>> from libertem.udf.sumsigudf import SumSigUDF
>>> scan = MemoryDataSet(data=[[[[1, 2], [3, 4]]]], sig_dims=2)
>>> Context.make_with("inline").run_udf(scan, SumSigUDF())["intensity"].data.tolist()
[[10]]
>>> lamella_libertem.uninstall()
"""

from lamella_libertem.finder import AbsentName, install, uninstall

__all__ = ["AbsentName", "install", "uninstall"]
__version__ = "0.1.0"
