"""Contract rows: convolutions."""

CASES = []
