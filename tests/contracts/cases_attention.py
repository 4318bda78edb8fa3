"""Contract rows: attention and positions."""

from gradwise import layers
from tests.contracts.case import Case, same

QUERY, VALUE, KEY = (4, 5), (3, 6), (3, 5)
SELF = [(4, 5), (4, 5)]
CROSS = [QUERY, VALUE]
LATTICES = [(2, 3, 5), (2, 4, 5)]

CASES = [
    same("Attention", [QUERY, KEY]),
    same("Attention", [QUERY, VALUE, KEY], use_scale=True, score_mode="concat"),
    same("Attention", [QUERY, KEY], use_scale=True, dropout=0.4, random=True),
    same("AdditiveAttention", [QUERY, VALUE, KEY]),
    same("AdditiveAttention", [QUERY, KEY], use_scale=False),
    same("MultiHeadAttention", SELF, num_heads=2, key_dim=3, separate=True, masked=True),
    same("MultiHeadAttention", CROSS, num_heads=1, key_dim=2, use_bias=False, output_shape=7, separate=True),
    same("MultiHeadAttention", SELF, num_heads=2, key_dim=2, sliding_window=2, use_gate=True, separate=True),
    same("MultiHeadAttention", SELF, num_heads=2, key_dim=2, dropout=0.4, random=True, separate=True),
    same("MultiHeadAttention", LATTICES, num_heads=2, key_dim=3, attention_axes=(2,), separate=True),
    Case(
        # Keras' own fused path refuses a value_dim of its own; test_attention.py compares the other one.
        lambda: layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=(2, 3)),
        [QUERY, VALUE, KEY],
        None,
        separate=True,
    ),
    same(
        "GroupQueryAttention",
        CROSS,
        head_dim=3,
        num_query_heads=4,
        num_key_value_heads=2,
        separate=True,
        masked=True,
    ),
    Case(lambda: layers.SinePositionEncoding(), [(4, 5)], None, masked=True),
    Case(lambda: layers.PositionEmbedding(6), [(4, 5)], None, masked=True),
    Case(lambda: layers.RotaryEmbedding(100, 2.0, 2), [(2, 4, 6)], None),
]
