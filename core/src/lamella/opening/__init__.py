"""From a target to a data set: detection, parameters and shapes.

Internal: names and places may change in any version.
"""
