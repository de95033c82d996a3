"""Names of classes that another process can resolve, also of those that stand in a test module."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

__all__ = ["Reference", "reference_to"]


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a class is defined: module, name within it, and file."""

    module: str
    name: str
    file: str | None

    def resolve(self) -> Any:
        """Import the class."""
        try:
            return attrgetter(self.name)(importlib.import_module(self.module))
        except (ImportError, AttributeError):
            if self.file is None:
                raise
        spec = importlib.util.spec_from_file_location(self.module, self.file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.module] = module
        spec.loader.exec_module(module)
        return attrgetter(self.name)(module)


def reference_to(cls: type) -> Reference:
    """Give the reference to a class.

    Raises
    ------
    ValueError
        If it stands in a function or was typed at a prompt, so that no other process can find it.
    """
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if "<locals>" in cls.__qualname__ or (cls.__module__ == "__main__" and file is None):
        raise ValueError(
            f"{cls.__qualname__} cannot be imported by another process; define it at the top of a module, "
            "or run with isolate=False"
        )
    return Reference(cls.__module__, cls.__qualname__, file)
