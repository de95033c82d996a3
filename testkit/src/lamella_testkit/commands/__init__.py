"""The commands that the kit adds to ``lamella``, one module each."""
