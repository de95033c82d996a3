"""What a user can say about a block file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lamella.format import Param


@dataclass(frozen=True, slots=True, kw_only=True)
class BloParams:
    """Parameters of block files; none is needed."""

    bit_depth: Annotated[
        Literal[8, 16] | None, Param(doc="Bits of a stored pixel; found from the file by default.", unit="bit")
    ] = None
