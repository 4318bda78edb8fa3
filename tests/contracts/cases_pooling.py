"""Contract rows: pooling, padding, cropping and up-sampling."""

CASES = []
