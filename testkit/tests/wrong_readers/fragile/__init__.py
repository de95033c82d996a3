"""A plugin that can only be imported where something else was imported before."""

import sys

if "lamella.dataset" not in sys.modules:
    raise ImportError("import lamella.dataset first")
