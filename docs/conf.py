"""Sphinx configuration of the Lamella site."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Lamella"
author = "The Lamella developers"
copyright = "The Lamella developers"
release = version = installed_version("lamella")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "described", "generated"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "signature"
napoleon_attr_annotations = False
default_role = "py:obj"

html_theme = "furo"
html_title = "Lamella"
html_static_path = ["_static"]
