"""The first look: what a file is, which computations show it, and their results as panels.

Internal: names and places may change in any version. `lamella.first_look` and `lamella.script_of` are public.
"""
