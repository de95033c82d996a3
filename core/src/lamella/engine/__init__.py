"""What runs UDFs: plans, tasks and results.

Internal: names and places may change in any version.
"""
