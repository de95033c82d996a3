"""A folder for `sys.path`, which worker processes get from the process that starts them."""
