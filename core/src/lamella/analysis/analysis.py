"""The contract of analyses: a declaration, a UDF with parameters that were checked or guessed, and channels to show."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, ClassVar

from lamella.analysis.results import AnalysisResult, AnalysisResultSet
from lamella.errors import ParameterError
from lamella.params.fields import describe
from lamella.params.validate import validate

if TYPE_CHECKING:
    from lamella.analysis.channels import Channel
    from lamella.dataset.dataset import DataSet
    from lamella.udf.base import UDF
    from lamella.udf.results import UDFResult

__all__ = ["Analysis", "image_size"]


class Analysis(ABC):
    """Something to compute with `lamella.Context.run`.

    A class of a plugin is declared in the entry-point group ``lamella.analyses``, and found by `make_analysis`. Its
    class attribute ``api``, such as ``(1, 0)``, is the plugin API that it was written for; ``(1, 0)`` if it has none.

    A class with ``params`` declares its parameters, once for the Python API, the command line and forms: a frozen
    dataclass whose fields are ``Annotated[T, Param(...)]``. What a user gives is checked against it, by position or by
    name, before `completed` fills in what depends on the data.

    Parameters
    ----------
    dataset
        The data.
    *values, **parameters
        What was chosen; at hand as ``self.parameters``.

    Raises
    ------
    ParameterError
        If there are declared parameters and something does not fit them.

    Attributes
    ----------
    name : str
        What users type; an analysis of a plugin has the name of its entry point.
    title : str
        What people call it.
    params : type or None
        The dataclass of the parameters; None if they are not declared: forms and the command line then know none.
    parameters : dict
        All parameters by name; with ``params`` in the types that it declares, and completed.
    """

    name: str = ""
    title: str = ""
    params: ClassVar[type | None] = None

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if cls.__dict__.get("params") is not None and "__init__" not in cls.__dict__:
            cls.__signature__ = _signature(cls.__dict__["params"])  # type: ignore[attr-defined]

    def __init__(self, dataset: DataSet, *values: Any, **parameters: Any) -> None:
        self.dataset = dataset
        if self.params is None:
            if values:
                raise TypeError(f"{type(self).__name__} takes the data set and parameters by name")
            self.parameters = parameters
            return
        given = _by_name(type(self), dataset, values, parameters)
        checked: Any = validate(self.params, given)
        self.parameters = self.completed({info.name: getattr(checked, info.name) for info in describe(self.params)})

    def completed(self, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in the parameters that depend on the data; ``self.dataset`` is at hand. Other methods see the result.

        Parameters
        ----------
        given
            A value for each parameter, as declared.

        Raises
        ------
        ParameterError
            If the parameters do not fit the data.
        """
        return given

    @property
    def roi(self) -> object:
        """The scan positions that it needs; all by default."""
        return self.parameters.get("roi")

    def channels(self) -> tuple[Channel, ...]:
        """Give the channels of the results in their order, before anything is computed; nothing if not known."""
        return ()

    @abstractmethod
    def udf(self) -> UDF:
        """Give the UDF to run."""

    @abstractmethod
    def results(self, result: UDFResult) -> AnalysisResultSet:
        """Make channels from the result of the UDF."""

    def filled(self, values: Mapping[str, Any]) -> AnalysisResultSet:
        """Give the declared channels with their numbers.

        Parameters
        ----------
        values
            The numbers by the key of the channel: an array, or a tuple of two for a vector field.
        """
        return AnalysisResultSet(
            [AnalysisResult(raw_data=values[channel.key], **channel.declared()) for channel in self.channels()]
        )


def _signature(params: type) -> Signature:
    """Give the signature of an analysis: the data, and the parameters in the order of their declaration."""
    parameters = [Parameter("dataset", Parameter.POSITIONAL_OR_KEYWORD)]
    positional = {item.name for item in fields(params) if not item.kw_only}
    for info in describe(params):
        kind = Parameter.POSITIONAL_OR_KEYWORD if info.name in positional else Parameter.KEYWORD_ONLY
        default = Parameter.empty if info.required else info.default_value
        parameters.append(Parameter(info.name, kind, default=default))
    return Signature(parameters)


def _by_name(
    cls: type[Analysis], dataset: DataSet, values: tuple[Any, ...], named: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the parameters by their names, as Python would bind them."""
    assert cls.params is not None
    names = list(_signature(cls.params).bind_partial(dataset, *values).arguments)[1:]
    if twice := [name for name in names if name in named]:
        raise TypeError(f"{cls.__name__} got several values for {', '.join(twice)}")
    return {**dict(zip(names, values, strict=True)), **named}


def image_size(dataset: DataSet) -> tuple[int, int]:
    """Give width and height of the detector.

    Raises
    ------
    ParameterError
        If it does not have two axes.
    """
    if len(dataset.shape.sig) != 2:
        raise ParameterError(f"a detector with two axes is needed, this one has {dataset.shape.sig.dims}")
    height, width = dataset.shape.sig
    return width, height
