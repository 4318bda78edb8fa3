"""Contract rows: normalisations, dropouts and noises."""

CASES = []
