"""Small wrong changes to the code of a plugin, and whether the kit notices them."""
