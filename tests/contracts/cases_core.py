"""Contract rows: reshaping and other core layers."""

CASES = []
