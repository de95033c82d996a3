"""A plugin whose spec imports NumPy."""

import numpy as np

spec = np.zeros(3)
