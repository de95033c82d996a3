"""``python -m lamella`` is the command ``lamella``."""

import sys

from lamella.cli import main

if __name__ == "__main__":
    sys.exit(main())
