"""Opens electron-microscopy scans and streams them through computations."""
