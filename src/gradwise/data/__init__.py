"""Data on the host: reading, converting, encoding and splitting, in NumPy only.

This package may import `errors`, `config` and `registry`; it knows nothing of layers or models.
"""

from gradwise.data.folds import Fold, k_folds
from gradwise.data.splits import Holdout, default_parts, holdout

__all__ = ["Fold", "Holdout", "default_parts", "holdout", "k_folds"]
