"""Runs the command line: `python -m gradwise` is the same as `gradwise`."""

import sys

from gradwise.cli import main

if __name__ == "__main__":
    sys.exit(main())
