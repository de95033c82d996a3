"""What existing scripts say to `Context.load`: values by their place, and older names of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lamella.errors import LamellaWarning, ParameterError
from lamella.system.warn import warn_user

__all__ = ["PLACES", "asked_for"]

_COMMON = "nav_shape sig_shape sync_offset io_backend num_partitions"
PLACES: Mapping[str, tuple[str, ...]] = {
    name: ("target", *text.split())
    for name, text in {
        "hdf5": "ds_path tileshape nav_shape sig_shape target_size min_num_partitions sig_dims io_backend sync_offset",
        "raw": f"dtype scan_size detector_size enable_direct detector_size_raw crop_detector_to tileshape {_COMMON}",
        "raw_csr": _COMMON,
        "mib": f"tileshape scan_size disable_glob {_COMMON}",
        "blo": f"tileshape endianess {_COMMON}",
        "k2is": _COMMON,
        "ser": f"emipath {_COMMON}",
        "frms6": f"enable_offset_correction gain_map_path dest_dtype {_COMMON}",
        "empad": f"scan_size {_COMMON}",
        "seq": f"scan_size {_COMMON}",
        "mrc": _COMMON,
        "tvips": _COMMON,
        "npy": f"sig_dims {_COMMON}",
    }.items()
}
"""The parameters of formats in the order in which existing scripts give them by place."""

_TARGETS = ("path", "files", "data", "target")
_OLD_NAMES = {
    "scan_size": "nav_shape",
    "detector_size": "sig_shape",
    "disable_glob": "only_this_file",
    "enable_offset_correction": "subtract_dark",
    "gain_map_path": "gain_map",
    "min_num_partitions": "num_partitions",
    "enable_direct": "io_backend",
}
_CHOSEN = ("tileshape", "target_size")
_GONE: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(_CHOSEN, (lambda value: True, "the shape of tiles is chosen for each computation")),
    **dict.fromkeys(
        ("detector_size_raw", "crop_detector_to"),
        (lambda value: value is None, "frames are cut by frame_header, frame_footer and row_padding"),
    ),
    "emipath": (lambda value: value is None, "the .emi file is found beside the .ser file by its name"),
    "dest_dtype": (lambda value: value is None, "a UDF asks for its dtype by get_preferred_input_dtype()"),
    "endianess": (lambda value: value in (None, "<"), "block files are little-endian"),
}
"""Older parameters without a successor: the values that change nothing, and what holds instead."""


def asked_for(filetype: str, arguments: Sequence[Any], parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Give the target, and the parameters by the names that `lamella.open` takes.

    Raises
    ------
    ParameterError
        If there is no target, a value is given twice or has no place, or an older parameter has no successor.
    """
    placed = _placed(filetype, arguments)
    if twice := sorted(placed.keys() & parameters.keys()):
        raise ParameterError(f"{', '.join(twice)}: given by place and by name", field=twice[0])
    given = {**placed, **parameters}
    target = None
    for name in _TARGETS:
        if target is None and name in given:
            target = given.pop(name)
    if target is None:
        raise ParameterError(
            "what should be opened? Give a path, or data= for formats that wrap objects", field="target"
        )
    if filetype.lower() in (*PLACES, "memory", "auto"):  # those of others may have any names
        for name in [name for name in given if name in _OLD_NAMES or name in _GONE]:
            _replace(filetype, given, name, told=name not in placed)
    return target, given


def _placed(filetype: str, arguments: Sequence[Any]) -> dict[str, Any]:
    places = PLACES.get(filetype.lower(), ("target",))
    if len(arguments) > len(places):
        known = f"takes by place: {', '.join(places)}" if len(places) > 1 else "takes only the target by place"
        text = f"{len(arguments)} values were given by place; {filetype!r} {known}"
        raise ParameterError(f"{text}. Give the others by name, such as nav_shape=(256, 256)", field="arguments")
    return {name: value for name, value in zip(places, arguments, strict=False) if value is not None}


def _replace(filetype: str, given: dict[str, Any], name: str, *, told: bool) -> None:
    """Put the value of an older parameter where it belongs now."""
    value = given.pop(name)
    if name in _GONE:
        without_effect, instead = _GONE[name]
        if not without_effect(value):
            raise ParameterError(f"there is no {name} here: {instead}", field=name)
        if told and value is not None and name in _CHOSEN:
            warn_user(f"{name} has no effect: {instead}", LamellaWarning)
        return
    if value is None or (name == "enable_direct" and not value):
        return
    new, value = _OLD_NAMES[name], "direct" if name == "enable_direct" else value
    if given.get(new) is not None:
        raise ParameterError(f"{name} is an older name of {new}: give one of the two", field=name)
    if told:
        warn_user(f"{name} is an older name: for {filetype!r} write {new}={value!r}", LamellaWarning)
    given[new] = value
