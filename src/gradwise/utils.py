"""Small helpers under the names Keras users know."""

from gradwise.config import set_random_seed
from gradwise.data.encoding import normalize, to_categorical
from gradwise.data.smoothing import exponentially_weighted_average
from gradwise.data.text import pad_sequences, vectorize_sequences

__all__ = [
    "exponentially_weighted_average",
    "normalize",
    "pad_sequences",
    "set_random_seed",
    "to_categorical",
    "vectorize_sequences",
]
