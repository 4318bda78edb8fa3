"""Contract rows: layers that prepare numbers inside the program."""

from gradwise import layers
from tests.contracts.case import Case, same

EDGES = [-0.7, 0.1, 0.9]

CASES = [
    same("Normalization", [(5,)], mean=0.3, variance=2.0, masked=True),
    same(
        "Normalization", [(4, 5)], axis=(1, 2), mean=[0.1] * 5, variance=[2.0] * 5, invert=True, masked=True
    ),
    Case(lambda: layers.Normalization(), [(4, 5)], None, masked=True),
    same("CategoryEncoding", [(4,)], num_tokens=5, integers=5),
    same("CategoryEncoding", [(4,)], num_tokens=5, integers=5, output_mode="count"),
    same("CategoryEncoding", [(4,)], num_tokens=5, integers=5, output_mode="one_hot"),
    same("CategoryEncoding", [(1,)], num_tokens=5, integers=5, output_mode="one_hot"),
    same("Discretization", [(5,)], bin_boundaries=EDGES, output_mode="one_hot"),
    same("Discretization", [(5,)], bin_boundaries=EDGES, output_mode="multi_hot"),
    same("Discretization", [(5,)], bin_boundaries=EDGES, output_mode="count"),
]
