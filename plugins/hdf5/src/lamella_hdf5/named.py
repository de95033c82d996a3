"""The data set that the user names."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from lamella.errors import ParameterError, UnsupportedError
from lamella_hdf5.axes import emd_axes
from lamella_hdf5.choice import Choice
from lamella_hdf5.hyperspy import hyperspy_choice
from lamella_hdf5.links import locate
from lamella_hdf5.nexus import nexus_choice
from lamella_hdf5.objects import Group, group_at
from lamella_hdf5.tree import Items, datasets, known_text, numbers_in, refuse_growing, walk
from lamella_hdf5.values import attributes
from lamella_hdf5.velox import velox_choice

if TYPE_CHECKING:
    from contextlib import ExitStack

    from lamella_hdf5.links import Elsewhere

__all__ = ["named"]


def named(root: Any, items: Items, path: str, elsewhere: Elsewhere, files: ExitStack) -> Choice:
    """Give the data set at a path, with the axes that its surroundings describe.

    External links on the way are followed where their files may be read; those files stay open in ``files``.

    Raises
    ------
    ParameterError
        If the path leads nowhere, or to a group.
    FormatError
        If a file on the way is missing or must not be read, or the data set holds no numbers.
    """
    item, home = locate(root, path, elsewhere, files)
    if item is None:
        refuse_growing(root, path)
        raise _not_there(items, path)
    return replace(_described(item, path, home), elsewhere=None if home is elsewhere else home)


def _described(item: Any, path: str, elsewhere: Elsewhere) -> Choice:
    if isinstance(item, Group):
        inside = ["/" + path.strip("/") + name for name, child in walk(item) if numbers_in(child)]
        raise ParameterError(
            f"ds_path {path!r} is a group; it holds {', '.join(inside[:5]) or 'no numbers'}", field="ds_path"
        )
    if not numbers_in(item):
        raise UnsupportedError(
            "the data set holds no numbers", path=elsewhere.path, found=f"{item.dtype}, shape {item.shape} at {path}"
        )
    parent = group_at(item.home.root, posixpath.dirname(item.name))
    attrs = attributes(parent)
    if known_text(attrs.get("NX_class")) == "NXdata":
        return nexus_choice(parent, item, "named, a NeXus signal")
    if group_at(parent, "axis-0") is not None:
        return hyperspy_choice(parent, item)
    if any(group_at(parent, name) is not None for name in ("dim0", "dim1")):
        return Choice(convention="named, in an EMD group", dataset=item, axes=emd_axes(parent, item))
    if item.name.startswith("/Data/Image/"):
        return velox_choice(parent, item)
    return Choice(convention="named", dataset=item)


def _not_there(items: Items, path: str) -> ParameterError:
    names = [name for name, _ in datasets(items)]
    close = get_close_matches("/" + path.strip("/"), names, n=5, cutoff=0.4) or names[:5]
    text = f"ds_path {path!r} is not in the file; did you mean {' or '.join(close) or 'another file'}?"
    return ParameterError(text, field="ds_path")
