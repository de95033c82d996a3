"""The lines of Python and of the command line that compute a result."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.analysis.analysis import Analysis
from lamella.analysis.options import AnalysisOption, analysis_options
from lamella.analysis.simple import FramesAnalysis, PickAnalysis
from lamella.engine.arguments import check_dataset
from lamella.errors import LamellaError, ParameterError
from lamella.firstlook.outputs import name_of, names_of
from lamella.geometry.roi import region_of
from lamella.params.fields import describe
from lamella.params.schema import cli_options
from lamella.params.validate import CommonParams
from lamella.plugins.registry import default_registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.dataset.dataset import DataSet
    from lamella.dataset.recipe import DataSetRecipe

__all__ = ["Script", "script_of"]


@dataclass(frozen=True, slots=True)
class Script:
    """How to compute a result again.

    Parameters
    ----------
    python
        Lines of Python.
    command
        Lines for a shell; one that begins with ``#`` says what the command line cannot do.
    """

    python: tuple[str, ...]
    command: tuple[str, ...]


def script_of(dataset: DataSet, analyses: Sequence[Analysis], *, roi: object = None) -> Script:
    r"""Give the Python and the command lines that compute analyses.

    The Python leaves one result for each analysis, under its name: ``disk``, ``ring``, ``com``, ``total`` for the sum,
    and so on. Data that were opened from an object in memory are called ``data``.

    Parameters
    ----------
    dataset
        The data.
    analyses
        What to compute, as `lamella.analysis.make_analysis` gives it.
    roi
        Scan positions to use, as for `lamella.Context.run_udf`. One that is not made of slices is read from a file
        ``roi.npy``, which is yours to save.

    Examples
    --------
    >>> import numpy as np, lamella
    >>> from lamella.analysis import make_analysis
    >>> ds = lamella.open(np.ones((2, 3, 8, 8)))
    >>> print(*lamella.script_of(ds, [make_analysis("sumsig", ds)]).python, sep="\n")
    import lamella
    from lamella.analysis import make_analysis
    <BLANKLINE>
    ds = lamella.open(data, 'memory')  # data: the object in memory
    analyses = [
        make_analysis('sumsig', ds),
    ]
    results = lamella.Context().run_udf(ds, [analysis.udf() for analysis in analyses])
    (sumsig,) = (analysis.results(result) for analysis, result in zip(analyses, results))
    """
    check_dataset(dataset, "script_of(dataset, analyses)")
    if not isinstance(analyses, Sequence) or not all(isinstance(one, Analysis) for one in analyses):
        text = f"expected a list of analyses, found {type(analyses).__name__}. lamella.analysis.make_analysis gives one"
        raise ParameterError(text, field="analyses")
    region = region_of(roi, dataset.shape.nav).mask
    mask = None if region is None else region.reshape(tuple(dataset.shape.nav))
    recipe = _recipe(dataset)
    return Script(_python(dataset, recipe, analyses, mask), _command(dataset, recipe, analyses, mask))


def _recipe(dataset: DataSet) -> DataSetRecipe[Any] | None:
    try:
        return dataset.recipe
    except LamellaError:
        return None


# Python.


def _python(
    dataset: DataSet, recipe: DataSetRecipe[Any] | None, analyses: Sequence[Analysis], mask: NDArray[np.bool_] | None
) -> tuple[str, ...]:
    shared = [analysis for analysis in analyses if analysis.roi is None]
    alone = [analysis for analysis in analyses if analysis.roi is not None]
    names = dict(zip(map(id, analyses), map(_identifier, names_of(analyses)), strict=True))
    lines = ["import lamella", "from lamella.analysis import make_analysis", "", _opening(dataset, recipe)]
    roi = ""
    if mask is not None and shared:
        slices = _slices(mask)
        roi = ", roi"
        if slices is None:
            lines.insert(0, "import numpy as np")
        lines.append(f"roi = ds.roi[{slices}]" if slices else 'roi = np.load("roi.npy")')
    if shared:
        lines += ["analyses = [", *(f"    {call},{note}" for call, note in map(_made, shared)), "]"]
        lines.append(f"results = lamella.Context().run_udf(ds, [analysis.udf() for analysis in analyses]{roi})")
        targets = ", ".join(names[id(analysis)] for analysis in shared)
        targets = f"({targets},)" if len(shared) == 1 else targets
        lines.append(f"{targets} = (analysis.results(result) for analysis, result in zip(analyses, results))")
    for analysis in alone:
        call, note = _made(analysis)
        lines.append(f"{names[id(analysis)]} = lamella.Context().run({call}){note}")
    return tuple(lines)


def _identifier(name: str) -> str:
    """Give a name for a variable; ``sum`` is a function of Python."""
    return f"total{name.removeprefix('sum')}" if name == "sum" or name.startswith("sum_") else name


def _opening(dataset: DataSet, recipe: DataSetRecipe[Any] | None) -> str:
    if recipe is None:
        return f"ds = lamella.open(data, {dataset.format!r})  # data: the object in memory"
    target = recipe.target if isinstance(recipe.target, str) else list(recipe.target)
    understood = dataset.provenance.parameters
    given, note = _arguments(
        {name: _as_number(value, understood.get(name)) for name, value in recipe.parameters.items()}
    )
    return f"ds = lamella.open({target!r}, {dataset.format!r}{given}){note}"


def _made(analysis: Analysis) -> tuple[str, str]:
    """Give the call that makes an analysis, and a comment to it."""
    arguments, note = _arguments(_parameters(analysis))
    return f"make_analysis({name_of(analysis)!r}, ds{arguments})", note


def _parameters(analysis: Analysis) -> dict[str, Any]:
    """Give the parameters by which an analysis is made again; those that are as declared are left out."""
    declared = {} if analysis.params is None else {one.name: one.default_value for one in describe(analysis.params)}
    return {
        name: value
        for name, value in analysis.parameters.items()
        if value is not None and not (isinstance(value, bool | int | float | str) and value == declared.get(name))
    }


def _as_number(value: object, understood: object) -> object:
    """Give what was typed as text, in a form for instance, as the number or the shape that it says."""
    parts = understood if isinstance(understood, tuple) else (understood,)
    plain = bool(parts) and all(isinstance(part, bool | int | float) for part in parts)
    return understood if isinstance(value, str) and plain else value


def _arguments(given: Mapping[str, Any]) -> tuple[str, str]:
    """Give arguments as Python writes them, and a comment on those that are variables of the reader."""
    texts = {name: _written(value) for name, value in given.items()}
    own = [f"{name}: the {type(given[name]).__name__}" for name, text in texts.items() if text is None]
    call = "".join(f", {name}={name if text is None else text}" for name, text in texts.items())
    return call, f"  # {', '.join(own)} in memory" if own else ""


def _written(value: Any) -> str | None:
    """Give a value as Python writes it; None if it cannot be."""
    if isinstance(value, np.generic):
        return _written(value.item())
    if isinstance(value, np.dtype):
        return repr(value.str)
    if isinstance(value, type) and issubclass(value, np.generic):
        return repr(np.dtype(value).str)
    if isinstance(value, os.PathLike):
        return repr(os.fspath(value))
    if isinstance(value, float) and not np.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, bool | int | float | str | None):
        return repr(value)
    if isinstance(value, tuple | list):
        parts = [text for text in map(_written, value) if text is not None]
        if len(parts) < len(value):
            return None
        end = "," if len(parts) == 1 and isinstance(value, tuple) else ""
        return f"({', '.join(parts)}{end})" if isinstance(value, tuple) else f"[{', '.join(parts)}]"
    return None


# The command line.


def _command(
    dataset: DataSet, recipe: DataSetRecipe[Any] | None, analyses: Sequence[Analysis], mask: NDArray[np.bool_] | None
) -> tuple[str, ...]:
    if recipe is None:
        return ("# the data are an object in memory",)
    if not isinstance(recipe.target, str):
        return ("# the data are a list of files",)
    try:
        words = ["lamella", "run", recipe.target, "--format", dataset.format, *_options(dataset, recipe)]
    except ParameterError as error:
        return (f"# {error}",)
    lines: list[str] = []
    if mask is not None:
        slices = _slices(mask)
        words += [f"--roi={slices or 'roi.npy'}"]
    if any(isinstance(analysis, FramesAnalysis) or _is_single(analysis) for analysis in analyses):
        return (_quoted(words),)  # what it computes without a choice
    chosen, left = _choices(analyses)
    if chosen:
        lines.append(_quoted([*words, *chosen[0]]))
        lines += [_quoted([*words, *more]) for more in chosen[1:]]
    return (*lines, *(f"# lamella run does not compute {text}" for text in left))


def _is_single(analysis: Analysis) -> bool:
    """Whether an analysis loads the only frame that there is."""
    return isinstance(analysis, PickAnalysis) and analysis.dataset.shape.nav.size == 1


def _quoted(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _options(dataset: DataSet, recipe: DataSetRecipe[Any]) -> list[str]:
    """Give the parameters of the format as options."""
    own = cli_options(default_registry().get(dataset.format).params_class())
    options = {option.name: option for option in (*cli_options(CommonParams), *own)}
    words = []
    for name, value in recipe.parameters.items():
        option, text = options.get(name), _typed(value)
        if option is None or text is None:
            raise ParameterError(f"the parameter {name} cannot be typed on the command line")
        if option.is_switch:
            words.append(option.flag if value else f"--no-{option.flag.removeprefix('--')}")
        else:
            words.append(f"{option.flag}={text}")
    return words


def _typed(value: Any) -> str | None:
    """Give a value as it is typed; None if it cannot be."""
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return np.dtype(value).str
    if isinstance(value, np.generic):
        return _typed(value.item())
    if isinstance(value, tuple | list):
        parts = [_typed(one) for one in value]
        return None if None in parts else ",".join(part for part in parts if part is not None)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | str | PurePath):
        return str(value)
    return None


def _choices(analyses: Sequence[Analysis]) -> tuple[list[list[str]], list[str]]:
    """Give the options of each command, and what has none; a command has one of each switch, and one direct beam."""
    options = {option.declared.name: option for option in analysis_options()}
    first: list[str] = []
    centred: list[list[str]] = []
    left: list[str] = []
    for analysis in analyses:
        option, given = options.get(name_of(analysis)), _parameters(analysis)
        typed = None if option is None or analysis.roi is not None else _asked(option, given)
        if option is None or typed is None:
            left.append(name_of(analysis))
        elif option.centre and not option.takes_numbers:
            centred.append(typed)
        else:
            first += typed
    commands = [[*first, *(centred[0] if centred else [])], *centred[1:]]
    return [one for one in commands if one], left


def _asked(option: AnalysisOption, given: Mapping[str, Any]) -> list[str] | None:
    """Give the options that ask for an analysis; None if a parameter cannot be typed."""
    centre = [given[name] for name in option.centre]
    if option.takes_numbers:
        return [f"{option.flag}={_numbers(*centre, *(given[name] for name in option.radii))}"]
    words = [option.flag]
    by_name = {one.name.partition(" ")[2]: one for one in option.options}
    for name, value in given.items():
        if name in option.centre:
            continue
        one, text = by_name.get(name), _typed(value)
        if one is None or text is None:
            return None
        negated = f"--no-{one.flag.removeprefix('--')}"
        words.append((one.flag if value else negated) if one.is_switch else f"{one.flag}={text}")
    return [*words, f"--beam={_numbers(*centre)}"] if centre else words


def _numbers(*values: float) -> str:
    return ",".join(repr(float(value)).removesuffix(".0") for value in values)


# Regions.


def _slices(mask: NDArray[np.bool_]) -> str | None:
    """Give a region as slices, such as ``"10:20,::2"``; None if it is not made of them."""
    if not mask.any():
        return None
    parts, index = [], []
    for axis, n in enumerate(mask.shape):
        chosen = np.flatnonzero(mask.any(axis=tuple(i for i in range(mask.ndim) if i != axis)))
        steps = np.unique(np.diff(chosen))
        if len(steps) > 1:
            return None
        step = int(steps[0]) if len(steps) else 1
        first, last = int(chosen[0]), int(chosen[-1])
        start = str(first) if first else ""
        stop = str(last + 1) if last + step < n else ""
        parts.append(f"{start}:{stop}" + (f":{step}" if step > 1 else ""))
        index.append(slice(first, last + 1, step))
    full = np.zeros_like(mask)
    full[tuple(index)] = True
    return ",".join(parts) if np.array_equal(full, mask) else None
