"""Holds the version number, so that set-up tools read it without importing the library."""

__version__ = "0.1.0"
