"""What StringLookup and IntegerLookup share: a vocabulary, and the ways to encode its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradwise.core.host import HostLayer
from gradwise.data.token_table import OUTPUT_MODES, TokenTable
from gradwise.errors import FileError, InputError, StateError
from gradwise.layers.adapting import parts_of
from gradwise.layers.checks import check_choice
from gradwise.layers.host_encoding import encoded, encoded_shape


class VocabularyLayer(HostLayer):
    """Base of the layers with a vocabulary, which they learn by `adapt` or are given.

    A subclass makes the table with `start` and says in `documents` how data become lists of tokens.

    Args:
        options: The settings every layer takes.
    """

    table: TokenTable
    pad_to_max_tokens = False
    from_start = False  # whether the vocabulary was given to the constructor

    def where(self) -> str:
        """Says which layer an error is about."""
        return f"{type(self).__name__} '{self.name}'"

    def start(self, vocabulary: Any, idf_weights: Any, pad_to_max_tokens: bool, **settings: Any) -> None:
        """Checks the settings that all share, makes the table, and takes a vocabulary that is given.

        Args:
            vocabulary: The setting, or None.
            idf_weights: The setting, or None.
            pad_to_max_tokens: The setting.
            settings: Those of `TokenTable`.
        """
        most = settings["max_tokens"]
        modes = {"binary": "multi_hot", "tf-idf": "tf_idf"}  # the names in Keras 2
        mode = modes.get(settings["output_mode"], settings["output_mode"])
        settings["output_mode"] = check_choice(self.where(), "output_mode", mode, OUTPUT_MODES)
        if most is not None and (isinstance(most, bool) or not hasattr(most, "__index__") or most < 2):
            raise InputError(
                self.where(),
                expected="max_tokens of at least 2, or None for no limit",
                got=repr(most),
                fix="Set max_tokens=10000, say.",
            )
        if pad_to_max_tokens and most is None:
            raise InputError(
                self.where(),
                expected="max_tokens, as pad_to_max_tokens=True says",
                got="none",
                fix="Set max_tokens=10000, say.",
            )
        unknown = settings.get("num_oov_indices", 1)
        if isinstance(unknown, bool) or not hasattr(unknown, "__index__") or unknown < 0:
            raise InputError(
                self.where(),
                expected="num_oov_indices of at least 0",
                got=repr(unknown),
                fix="Set num_oov_indices=1.",
            )
        self.pad_to_max_tokens = pad_to_max_tokens
        self.table = TokenTable(self.where(), **settings)
        if vocabulary is None and idf_weights is not None:
            raise InputError(
                self.where(), expected="a vocabulary with idf_weights", got="none", fix="Give both."
            )
        if vocabulary is not None:
            self.table.set(vocabulary, idf_weights)
            self.from_start = True

    def documents(self, data: Any) -> list[list[Any]]:
        """Turns data into a list of tokens for each sample; subclasses say how."""
        raise NotImplementedError

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learns the vocabulary from training data, in place of one learned before.

        The most frequent tokens come first, and of equally frequent ones the greatest, as in Keras.

        Args:
            data: An array, a list or a column; or an iterable of batches.
            batch_size: Not needed: data are read sample by sample.
            steps: How many batches of an iterable to take; by default all.

        Raises:
            StateError: A vocabulary was given to the constructor, or a model was built with one of another
                size.
            InputError: There are no tokens.
        """
        if self.from_start:
            raise StateError(
                f"{self.where()}, adapt",
                expected="a vocabulary to learn",
                got="one given to the constructor",
                fix="Make the layer without vocabulary=..., or use set_vocabulary.",
            )
        before = self._state()
        self.table.learn(tokens for part in parts_of(data, steps) for tokens in self.documents(part))
        self._check_size(before)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Takes a vocabulary, in place of one learned or given before.

        Args:
            vocabulary: Tokens in order, with the special ones in front or without them, or the path of a
                file with a token on each line.
            idf_weights: In mode "tf_idf" a weight for each token given.

        Raises:
            InputError: A token occurs twice or is one of the special ones, there are too many, or the weights
                do not fit.
            StateError: A model was built with a vocabulary of another size.
        """
        before = self._state()
        self.table.set(vocabulary, idf_weights)
        self._check_size(before)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Returns the tokens; with the special ones, the place of each is its number."""
        return self.table.vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Returns how many numbers there are, those of padding and unknown tokens among them."""
        return self.table.size

    def get_config(self) -> dict[str, Any]:
        """Returns the settings, with what was learned."""
        config = super().get_config()
        config.pop("idf_weights", None)
        config.pop("vocabulary", None)
        if self.table.tokens:
            config["vocabulary"] = self.table.vocabulary()
        if self.table.idf_weights is not None:
            config["idf_weights"] = self.table.idf_weights.tolist()
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Builds the layer from its settings; a file may not name further files to read."""
        if isinstance(config.get("vocabulary"), str):
            raise FileError(
                "load",
                expected="a vocabulary in the model file",
                got="the path of another file",
                fix="Make the layer with its constructor, which reads the file.",
            )
        return super().from_config(config)

    def depth(self) -> int:
        """Returns the length of a row in modes other than "int"."""
        if self.pad_to_max_tokens:
            return int(self.table.max_tokens or 0)
        self.table.require()
        return self.table.size

    def weigh(self, rows: np.ndarray) -> np.ndarray:
        """Weighs counts float32[..., K] by the tokens' rarity in mode "tf_idf"."""
        if self.table.idf_weights is not None:
            rows[..., : self.table.size] *= self.table.idf_weights
        return rows

    def _state(self) -> tuple[Any, ...]:
        table = self.table
        return table.size, table.tokens, table.idf_weights

    def _check_size(self, before: tuple[Any, ...]) -> None:
        size, tokens, weights = before
        fixed = self.nodes and tokens and self.table.output_mode != "int" and not self.pad_to_max_tokens
        if fixed and self.table.size != size:
            found = self.table.size
            self.table.set([*self.table.specials, *tokens], weights)
            raise StateError(
                self.where(),
                expected=f"a vocabulary of {size} numbers, with which a model was built",
                got=found,
                fix="Learn the vocabulary before the model is built, or set pad_to_max_tokens=True.",
            )


class IndexLookup(VocabularyLayer):
    """Base of the layers that give each value of an array its number.

    Args:
        options: The settings every layer takes.
    """

    invert = False

    def check_invert(self, invert: bool) -> None:
        """Keeps the setting and refuses it in modes that cannot be turned back."""
        if invert and self.table.output_mode != "int":
            raise InputError(
                self.where(),
                expected="output_mode='int' with invert=True",
                got=repr(self.table.output_mode),
                fix="Turn numbers back, and not rows.",
            )
        self.invert = bool(invert)

    def documents(self, data: Any) -> list[list[Any]]:
        """Takes each row as a sample, and each value of a single column."""
        values = self.receive_tokens(data)
        return (
            [[item] for item in values.tolist()]
            if values.ndim < 2
            else [row.ravel().tolist() for row in values]
        )

    def receive_tokens(self, values: Any) -> np.ndarray:
        """Turns what a user hands over into an array of tokens; subclasses say how."""
        raise NotImplementedError

    def receive(self, values: Any) -> Any:
        """Takes tokens, or numbers if they are to be turned back."""
        if not self.invert:
            return self.receive_tokens(values)
        numbers = np.asarray(values)
        if numbers.dtype.kind not in "iu":
            raise InputError(
                self.where(),
                expected="whole numbers to turn back into tokens",
                got=f"values of type {numbers.dtype}",
                fix="Take numpy.argmax of probabilities first.",
            )
        return numbers

    def output_like(self, shape: Any) -> tuple[tuple[int | None, ...], Any]:
        """Returns the shape and type of the outputs."""
        if self.invert:
            return tuple(shape), "int64" if self.table.integers else "string"
        depth = 0 if self.table.output_mode == "int" else self.depth()
        return encoded_shape(self.where(), tuple(shape), self.table.output_mode, depth)

    def call(self, inputs: Any) -> Any:
        """Gives numbers, rows, or tokens back."""
        shape, flat = inputs.shape, inputs.ravel()
        if self.invert:
            tokens = self.table.turn_back(flat)
            return np.array(tokens, np.int64 if self.table.integers else object).reshape(shape)
        numbers = self.table.look_up(flat.tolist()).reshape(shape)
        mode = self.table.output_mode
        if mode == "int":
            return numbers
        return self.weigh(encoded(self.where(), numbers, "count" if mode == "tf_idf" else mode, self.depth()))
