"""Contract rows: recurrent layers and wrappers."""

CASES = []
