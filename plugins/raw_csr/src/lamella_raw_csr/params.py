"""What a user can say about a CSR file; its TOML says everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lamella.format import Param

__all__ = ["RawCsrParams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCsrParams:
    """Parameters of sparse frames in CSR layout."""

    elsewhere: Annotated[
        bool, Param(doc="Allow the TOML to name arrays outside its folder; only for files from people you trust.")
    ] = False
