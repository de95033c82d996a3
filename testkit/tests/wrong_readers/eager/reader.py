"""A reader that costs nothing to import, but should not be imported with the spec."""


class Reader:
    pass
