"""Data on the host: reading, converting, encoding and splitting, in NumPy only.

This package may import `errors`, `config` and `registry`; it knows nothing of layers or models.
"""
