"""Everything that a reader finds in a file as plain values, so that two readings can be compared in any process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_testkit.stated import correction_arrays

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet

__all__ = ["described", "differences"]

_SHOWN = 160


def described(ds: DataSet) -> dict[str, Any]:
    """Give what is read and reported, arrays as digests."""
    info = ds.info
    facts: dict[str, Any] = {
        "the shape": (tuple(ds.shape.nav), tuple(ds.shape.sig)),
        "the dtype": ds.dtype.str,
        "the steps with a frame": _digest(ds.valid_mask),
        "pixels": _digest(ds.read(fill=0)),
        "axes": tuple(str(axis) for axis in ds.axes),
        "the origin of the shape": info.nav_origin,
        "the number of stored frames": ds.source.n_frames,
        "notes": tuple(map(str, info.notes)),
        "the navigator": None if info.navigator is None else _digest(info.navigator()),
    }
    facts |= {f"metadata.{name}": value for name, value in info.metadata.to_json().items()}
    facts |= {f"raw_metadata[{name!r}]": _text(value) for name, value in info.raw_metadata.items()}
    facts |= {f"details[{name!r}]": _text(value) for name, value in info.details.items()}
    facts |= {f"per_frame[{name!r}]": _digest(give()) for name, give in info.per_frame.items()}
    facts |= {f"corrections.{name}": _digest(array) for name, array in correction_arrays(info.corrections).items()}
    return facts


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _digest(array: Any) -> str:
    """Give dtype, shape, the first values, and a digest of all."""
    array = np.ascontiguousarray(array)
    first = ", ".join(map(str, array.reshape(-1)[:3].tolist()))
    return f"{array.dtype.str} {array.shape} [{first} ...] {hashlib.sha256(array.tobytes()).hexdigest()[:12]}"


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Give what two descriptions say differently: its name, and what each says."""
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            yield name, repr(one.get(name))[:_SHOWN], repr(other.get(name))[:_SHOWN]
