"""Parameters: declared once, checked, and described for people and programs.

Internal: names and places may change in any version.
"""
