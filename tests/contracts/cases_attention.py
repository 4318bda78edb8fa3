"""Contract rows: attention and positions."""

CASES = []
