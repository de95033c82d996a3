"""What the operating system gives: memory, processes, processors.

Internal: names and places may change in any version.
"""
