"""The data set that the user names."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import h5py

from lamella.errors import CorruptError, FormatError, ParameterError, UnsupportedError
from lamella_hdf5.axes import emd_axes
from lamella_hdf5.choice import Choice
from lamella_hdf5.hyperspy import hyperspy_choice
from lamella_hdf5.library import opened, text
from lamella_hdf5.links import Elsewhere
from lamella_hdf5.nexus import nexus_choice
from lamella_hdf5.tree import Items, attributes, datasets, group_at, numbers_in, walk
from lamella_hdf5.velox import velox_choice

if TYPE_CHECKING:
    from contextlib import ExitStack

__all__ = ["named"]

_MOST_FILES = 8


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
    item, home = _found(root, path, elsewhere, files)
    elsewhere = home or elsewhere
    return replace(_described(items, item, path, elsewhere), elsewhere=home)


def _described(items: Items, item: Any, path: str, elsewhere: Elsewhere) -> Choice:
    if isinstance(item, h5py.Group):
        inside = ["/" + path.strip("/") + name for name, child in walk(item) if numbers_in(child)]
        raise ParameterError(
            f"ds_path {path!r} is a group; it holds {', '.join(inside[:5]) or 'no numbers'}", field="ds_path"
        )
    if item is None:
        names = [name for name, _ in datasets(items)]
        close = get_close_matches("/" + path.strip("/"), names, n=5, cutoff=0.4) or names[:5]
        raise ParameterError(
            f"ds_path {path!r} is not in the file; did you mean {' or '.join(close) or 'another file'}?",
            field="ds_path",
        )
    if not numbers_in(item):
        raise UnsupportedError(
            "the data set holds no numbers", path=elsewhere.path, found=f"{item.dtype}, shape {item.shape} at {path}"
        )
    parent = item.parent
    attrs = attributes(parent)
    if text(attrs.get("NX_class", "")) == "NXdata":
        return nexus_choice(parent, item, "named, a NeXus signal")
    if "axis-0" in parent:
        return hyperspy_choice(parent, item)
    if "dim0" in parent or "dim1" in parent:
        return Choice(convention="named, in an EMD group", dataset=item, axes=emd_axes(parent, item))
    if item.name.startswith("/Data/Image/"):
        return velox_choice(parent, item)
    return Choice(convention="named", dataset=item)


def _found(root: Any, path: str, elsewhere: Elsewhere, files: ExitStack) -> tuple[Any, Elsewhere | None]:
    """Give the object at a path, and what finds files for its own file if that is another one."""
    home = None
    for _ in range(_MOST_FILES):
        item = group_at(root, path)
        link = None if item is not None else _external(root, path)
        if link is None:
            return item, home
        name, path = link
        file = (home or elsewhere).find(name)
        if file is None:
            raise FormatError(
                "the file that an external link names is missing",
                path=(home or elsewhere).path,
                expected=str((home or elsewhere).path.parent / name),
                remedy="Put it beside this file",
            )
        root, home = files.enter_context(opened(file)), Elsewhere(file, elsewhere.policy)
    raise CorruptError("external links lead on without end", path=elsewhere.path, found=path)


def _external(root: Any, path: str) -> tuple[str, str] | None:
    """Give file and path behind the first external link on a path."""
    parts = path.strip("/").split("/")
    for i, part in enumerate(parts):
        parent = group_at(root, "/".join(parts[:i])) if i else root
        if not isinstance(parent, h5py.Group):
            return None
        link = parent.get(part, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            return link.filename, "/".join([link.path.rstrip("/"), *parts[i + 1 :]])
    return None
