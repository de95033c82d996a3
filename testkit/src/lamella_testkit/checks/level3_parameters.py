"""Level 3, robust: parameters that make no sense for the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st

from lamella.params.coerce import members
from lamella.params.fields import ParameterInfo, describe
from lamella_testkit.checking import check
from lamella_testkit.kit import Kit
from lamella_testkit.robust import attempt

_INTEGERS = (0, 1, 2, 3, 7, 12, 100, 4096, 65536, 2**31 - 1, 2**31, 2**40, 2**63 - 1, 2**63, 2**70, -1, -2, -(2**63))
_FLOATS = (0.0, 1.0, -1.0, 1e-300, 1e300, float("inf"), float("nan"))
_TEXTS = ("", "x", "..", "/", "\0", "ü" * 40, "None", "1,2", "{}", "%s", "C", "<")
_DTYPES = ("u1", ">i2", "<f4", "c16", "?", "f2", "O", "V8", "V0", "S3", "U2", "M8[s]", "i4,f4", "(2,2)u2", "S0")


@dataclass(frozen=True)
class _Given:
    keywords: tuple[tuple[str, Any], ...]
    variant: str

    def __str__(self) -> str:
        return f"variant {self.variant!r}, " + ", ".join(f"{name}={value!r}" for name, value in self.keywords)


@check(level=3)
def strange_parameters_are_survived(kit: Kit) -> None:
    """Parameters of legal type and any value lead to ParameterError, FormatError or data, to nothing else.

    Bound numbers in the declaration (`ge`, `le`, `choices`), and check what depends on the file against its size.
    """
    infos = [info for info in describe(kit.plugin.params_class()) if info.param.kind != "object"]
    kit.needs(infos, "the format has no parameters")
    for info in infos:
        for value in _edges(info):
            given = _Given(((info.name, value),), kit.sampler.variants[0])
            with kit.case(given):
                attempt(kit, kit.written(kit.data()), **{info.name: value})
    values = {info.name: _values(info) for info in infos}
    keywords = st.dictionaries(st.sampled_from(sorted(values)), st.none(), min_size=1, max_size=3).flatmap(
        lambda names: st.tuples(*[st.tuples(st.just(name), values[name]) for name in sorted(names)])
    )

    def body(given: _Given) -> None:
        attempt(kit, kit.written(kit.data(variant=given.variant)), **dict(given.keywords))

    kit.search(st.builds(_Given, keywords, st.sampled_from(kit.sampler.variants)), body, share=2.0)


def _edges(info: ParameterInfo) -> Sequence[Any]:
    """Give the numbers that every number is tried with."""
    kinds = set(members(info.annotation)) if info.param.choices is None else ()
    return (*(_INTEGERS[7:] if int in kinds else ()), *(_FLOATS if float in kinds else ()))


def _values(info: ParameterInfo) -> st.SearchStrategy[Any]:
    kinds = [_of_type(kind, info) for kind in members(info.annotation)]
    return st.one_of(*kinds)


def _of_type(kind: Any, info: ParameterInfo) -> st.SearchStrategy[Any]:
    origin = get_origin(kind)
    if info.param.choices is not None:
        return st.sampled_from(info.param.choices)
    if info.param.kind == "dtype":
        return st.sampled_from(_DTYPES)
    if kind is type(None):
        return st.none()
    if origin is Literal:
        return st.sampled_from(get_args(kind))
    if origin is tuple:
        inner = _of_type(get_args(kind)[0], info)
        return st.lists(inner, max_size=5).map(tuple)
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.one_of(st.sampled_from(_INTEGERS), st.integers(-10, 5000))
    if kind is float:
        return st.sampled_from(_FLOATS)
    return st.sampled_from(_TEXTS)
