"""Small helpers under the names Keras users know."""

from gradwise.config import set_random_seed
from gradwise.data.buckets import bucket_by_length
from gradwise.data.directory_datasets import image_dataset_from_directory, text_dataset_from_directory
from gradwise.data.encoding import normalize, to_categorical
from gradwise.data.images import array_to_img, img_to_array, load_img, save_img
from gradwise.data.skipgrams import make_sampling_table, skipgrams
from gradwise.data.smoothing import exponentially_weighted_average
from gradwise.data.text import pad_sequences, vectorize_sequences
from gradwise.data.time_batches import timeseries_dataset_from_array
from gradwise.data.tokenizer import Tokenizer, tokenizer_from_json
from gradwise.data.tokenizing import hashing_trick, ngrams, one_hot, text_to_word_sequence

__all__ = [
    "Tokenizer",
    "array_to_img",
    "bucket_by_length",
    "exponentially_weighted_average",
    "hashing_trick",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "make_sampling_table",
    "ngrams",
    "normalize",
    "one_hot",
    "pad_sequences",
    "save_img",
    "set_random_seed",
    "skipgrams",
    "text_dataset_from_directory",
    "text_to_word_sequence",
    "timeseries_dataset_from_array",
    "to_categorical",
    "tokenizer_from_json",
    "vectorize_sequences",
]
