"""Where frames and pixels are: shapes, regions of interest, and the frame that a position shows.

Internal: names and places may change in any version.
"""
