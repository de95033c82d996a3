"""A plugin whose spec takes its time."""

import time

time.sleep(0.05)
