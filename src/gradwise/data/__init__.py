"""Data on the host: reading, converting, encoding and splitting, in NumPy only.

This package may import `errors`, `config` and `registry`; it knows nothing of layers or models.
"""

from gradwise.data.broken import BrokenSample
from gradwise.data.columns import infer_kinds
from gradwise.data.describing import describe_columns
from gradwise.data.folds import Fold, k_folds
from gradwise.data.image_decoding import ImageReader, decode_image
from gradwise.data.image_folders import ImageFiles, ImageFolder
from gradwise.data.image_tables import ImageTable
from gradwise.data.preprocessing import TablePreprocessor
from gradwise.data.split_reports import SplitReport, split_report
from gradwise.data.splits import Holdout, default_parts, holdout
from gradwise.data.stream import Loader
from gradwise.data.stream_sources import from_npy
from gradwise.data.table_streams import table_stream
from gradwise.data.tables import Table, read_table
from gradwise.data.text_folders import TextFiles, TextFolder
from gradwise.data.time_series import Windows, windows
from gradwise.data.time_splits import time_split

__all__ = [
    "BrokenSample",
    "Fold",
    "Holdout",
    "ImageFiles",
    "ImageFolder",
    "ImageReader",
    "ImageTable",
    "Loader",
    "SplitReport",
    "Table",
    "TablePreprocessor",
    "TextFiles",
    "TextFolder",
    "Windows",
    "decode_image",
    "default_parts",
    "describe_columns",
    "from_npy",
    "holdout",
    "infer_kinds",
    "k_folds",
    "read_table",
    "split_report",
    "table_stream",
    "time_split",
    "windows",
]
