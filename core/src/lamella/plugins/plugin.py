"""One plugin of any kind: found, examined, and used only when it is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamella.errors import LamellaError, PluginError
from lamella.format import FormatSpec
from lamella.plugins.kinds import FORMATS, Kind
from lamella.plugins.remedies import remedy_for, root, told

if TYPE_CHECKING:
    from lamella.params.fields import ParameterInfo
    from lamella.reader.protocol import Reader

__all__ = ["Plugin", "Status", "advice", "describe_problem"]


class Status(StrEnum):
    """Whether a plugin can be used, and if not why."""

    ok = "ok"
    disabled = "disabled"
    incompatible = "incompatible"
    invalid = "invalid"
    broken = "broken"
    conflict = "conflict"
    missing_dependency = "missing-dependency"


@dataclass
class Plugin:
    """A plugin as found: what it declares, where it comes from, and what is wrong with it.

    Parameters
    ----------
    name
        What users type.
    status
        Whether it can be used.
    declared
        What its entry point gives: the `FormatSpec` of a format, the class of an executor; None if that cannot be
        used, and for what the core brings until it is wanted.
    distribution, version
        Where it comes from.
    entry_point
        ``"name = module:attribute"``.
    reason, remedy
        Why it cannot be used, and what to do.
    kind
        What kind of plugin it is.
    """

    name: str
    status: Status
    declared: Any = None
    distribution: str | None = None
    version: str | None = None
    entry_point: str = ""
    reason: str | None = None
    remedy: str | None = None
    kind: Kind = FORMATS
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def spec(self) -> FormatSpec | None:
        """The declaration of a format; None for other kinds, and where there is none that can be read."""
        return self.declared if isinstance(self.declared, FormatSpec) else None

    @property
    def is_builtin(self) -> bool:
        """Whether the core brings it."""
        return self.kind.builtin.get(self.name) is not None and self.distribution == "lamella"

    def reader(self) -> Reader[Any]:
        """The reader of the format; imports it on first use.

        Raises
        ------
        PluginError
            If the plugin is not usable or its reader cannot be made.
        """
        reader: Reader[Any] = self._use("reader", lambda spec: _imported(spec.reader)())
        return reader

    def params_class(self) -> type:
        """The parameter dataclass of the format; imports it on first use.

        Raises
        ------
        PluginError
            If the plugin is not usable or its parameters cannot be imported or are no dataclass.
        """
        params: type = self._use("parameters", lambda spec: _params(spec.params))
        return params

    def parameters(self) -> tuple[ParameterInfo, ...]:
        """Give what a form of the format shows: its own parameters, and then those that all formats share.

        Raises
        ------
        PluginError
            As `params_class`.
        """
        from lamella.params.fields import describe
        from lamella.params.validate import CommonParams

        own = describe(self.params_class())
        named = {info.name for info in own}
        return own + tuple(info for info in describe(CommonParams) if info.name not in named)

    def factory(self) -> Callable[..., Any]:
        """Give the class or function that makes an executor, an I/O backend, an exporter or an analysis.

        Raises
        ------
        PluginError
            If the plugin is not usable.
        """
        self._must_be_usable()
        if self.declared is None:
            self.declared = _imported(self.kind.builtin[self.name])
        factory: Callable[..., Any] = self.declared
        return factory

    def make(self, *arguments: Any, **parameters: Any) -> Any:
        """Give a new object of this kind.

        Raises
        ------
        PluginError
            If the plugin is not usable, fails, or makes something else.
        LamellaError
            Whatever of that family the plugin raises itself.
        """
        factory = self.factory()
        if self.is_builtin:
            return factory(*arguments, **parameters)
        try:
            made = factory(*arguments, **parameters)
            absent = [method for method in self.kind.methods if not callable(getattr(made, method, None))]
        except (KeyboardInterrupt, LamellaError):
            raise
        except BaseException as error:  # a plugin may even call sys.exit
            remedy = remedy_for(error, self.name, self.distribution, root(self.entry_point.partition("=")[2]))
            text = f"{self.kind.noun} {self.name!r}{_source(self)} cannot be made: {told(error)}. {remedy}"
            raise PluginError(text) from error
        if absent:
            text = f"made {type(made).__name__}, which lacks {', '.join(absent)}"
            raise PluginError(f"{self.kind.noun} {self.name!r}{_source(self)} {text}")
        return made

    def _use(self, what: str, make: Callable[[FormatSpec], Any]) -> Any:
        self._must_be_usable()
        if self.spec is None:
            raise PluginError(f"{self.kind.noun} {self.name!r} has no {what}")
        if what in self._made:
            return self._made[what]
        try:
            self._made[what] = make(self.spec)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # importing a plugin may even call sys.exit
            remedy = remedy_for(error, self.name, self.distribution, root(self.spec.reader))
            text = f"the {what} of format {self.name!r} cannot be loaded: {told(error)}. {remedy}"
            raise PluginError(text) from error
        return self._made[what]

    def _must_be_usable(self) -> None:
        if self.status is not Status.ok:
            raise PluginError(describe_problem(self))


def describe_problem(plugin: Plugin) -> str:
    """Why a plugin that is installed cannot be used, and what to do."""
    return f"{plugin.kind.noun} {plugin.name!r}{_source(plugin)} is {plugin.status}: {advice(plugin)}"


def advice(plugin: Plugin) -> str:
    """Give reason and remedy of a plugin that cannot be used, as one text."""
    if not plugin.remedy:
        return plugin.reason or ""
    separator = ": " if plugin.remedy.startswith("pip ") else ". "
    return f"{plugin.reason}{separator}{plugin.remedy}"


def _source(plugin: Plugin) -> str:
    origin = " ".join(filter(None, (plugin.distribution, plugin.version)))
    return f" (from {origin})" if origin else ""


def _imported(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def _params(reference: str) -> type:
    from lamella.params.fields import describe

    cls: type = _imported(reference)
    describe(cls)
    return cls
