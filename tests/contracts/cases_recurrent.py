"""Contract rows: recurrent layers and wrappers."""

from gradwise import layers
from tests.contracts.case import Case, same

STEPS = [(4, 3)]

CASES = [
    same("SimpleRNN", STEPS, units=2),
    same("SimpleRNN", STEPS, units=2, activation="relu", return_sequences=True, masked=True),
    same("SimpleRNN", STEPS, units=2, use_bias=False, return_state=True, go_backwards=True),
    same("SimpleRNN", STEPS, units=2, activation="softsign", unroll=True),
    same("SimpleRNN", STEPS, units=9, dropout=0.5, random=True),
    same("SimpleRNN", STEPS, units=9, recurrent_dropout=0.5, return_sequences=True, random=True),
    same("LSTM", STEPS, units=2),
    same("LSTM", STEPS, units=2, return_sequences=True, masked=True),
    same("LSTM", STEPS, units=2, return_sequences=True, return_state=True),
    same("LSTM", STEPS, units=2, return_state=True, go_backwards=True, unit_forget_bias=False),
    same("LSTM", STEPS, units=2, unroll=True, use_bias=False),
    same("LSTM", STEPS, units=2, activation="relu", recurrent_activation="hard_sigmoid"),
    same("LSTM", STEPS, units=2, activation=None, return_sequences=True, masked=True),
    same("LSTM", STEPS, units=9, dropout=0.5, recurrent_dropout=0.2, random=True),
    same("GRU", STEPS, units=2),
    same("GRU", STEPS, units=2, reset_after=False, return_sequences=True, masked=True),
    same("GRU", STEPS, units=2, return_sequences=True, return_state=True, go_backwards=True),
    same("GRU", STEPS, units=2, use_bias=False, unroll=True),
    same("GRU", STEPS, units=2, use_bias=False, reset_after=False, recurrent_activation="relu"),
    same("GRU", STEPS, units=2, activation="elu", reset_after=False),
    same("GRU", STEPS, units=9, dropout=0.5, random=True),
    same("GRU", STEPS, units=9, recurrent_dropout=0.5, random=True),
    same("GRU", STEPS, units=9, recurrent_dropout=0.5, reset_after=False, random=True),
    same("ConvLSTM1D", [(3, 5, 2)], filters=2, kernel_size=2),
    same("ConvLSTM1D", [(3, 5, 2)], filters=2, kernel_size=3, strides=2, padding="same", return_state=True),
    same("ConvLSTM2D", [(2, 4, 3, 2)], filters=2, kernel_size=(2, 3), padding="same", return_sequences=True),
    same("ConvLSTM2D", [(2, 5, 5, 1)], filters=2, kernel_size=2, dilation_rate=2, go_backwards=True),
    same(
        "ConvLSTM2D",
        [(2, 4, 4, 1)],
        filters=2,
        kernel_size=2,
        dropout=0.5,
        recurrent_dropout=0.5,
        random=True,
    ),
    same("ConvLSTM3D", [(2, 3, 3, 2, 1)], filters=1, kernel_size=2, use_bias=False),
]


def cell(name, **settings):
    return lambda: layers.RNN(getattr(layers, name)(2), **settings)


CASES += [
    Case(cell("SimpleRNNCell"), STEPS, None),
    Case(cell("LSTMCell", return_state=True), STEPS, None),
    Case(cell("GRUCell", return_sequences=True), STEPS, None, masked=True),
    Case(lambda: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_state=True), STEPS, None),
    Case(lambda: layers.Bidirectional(layers.LSTM(2)), STEPS, None),
    Case(lambda: layers.Bidirectional(layers.GRU(2, return_sequences=True), "sum"), STEPS, None, masked=True),
    Case(lambda: layers.Bidirectional(layers.SimpleRNN(2, return_state=True), None), STEPS, None),
    Case(lambda: layers.TimeDistributed(layers.Dense(2, activation="tanh")), STEPS, None, masked=True),
    Case(lambda: layers.TimeDistributed(layers.Conv2D(2, 2)), [(4, 5, 5, 2)], None, masked=True),
    Case(lambda: layers.TimeDistributed(layers.LSTM(2)), [(4, 3, 2)], None, masked=True),
]
