"""The data set: its partitions, tiles and pixels.

Internal: names and places may change in any version.
"""
