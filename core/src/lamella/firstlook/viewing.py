"""An interactive view of a data set, which plugins provide; what `lamella.DataSet.view` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella.errors import PluginError
from lamella.plugins.kinds import VIEWERS
from lamella.plugins.plugin import describe_problem
from lamella.plugins.registry import default_registry

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet

__all__ = ["view_dataset"]

_INSTEAD = (
    "ds.plot() draws the first look; `pip install lamella-gui` brings `lamella gui FILE`, which opens the browser"
)


def view_dataset(dataset: DataSet, viewer: str | None = None, **options: Any) -> Any:
    """Show a data set by the viewer of a name, or by the only one that is installed."""
    registry = default_registry()
    if viewer is not None:
        return registry.get(viewer, VIEWERS).make(dataset, **options)
    usable = registry.usable(VIEWERS)
    if len(usable) == 1:
        return usable[0].make(dataset, **options)
    if usable:
        names = ", ".join(plugin.name for plugin in usable)
        raise PluginError(f"several viewers are installed: {names}. Choose one: ds.view({usable[0].name!r})")
    problems = [describe_problem(plugin) for plugin in registry.plugins(VIEWERS)]
    raise PluginError(f"no viewer for data sets is installed. {_INSTEAD}", *problems)
