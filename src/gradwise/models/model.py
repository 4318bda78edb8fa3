"""The class of all models: a layer that can be compiled, trained, evaluated, used and saved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from gradwise.config import next_seed
from gradwise.core.functional import functional_call
from gradwise.core.graph_config import graph_from_config, graph_to_config
from gradwise.core.symbolic import SymbolicTensor, symbolic_leaves
from gradwise.core.variable import current_frame, in_mode
from gradwise.data.arrays import count_samples
from gradwise.errors import StateError
from gradwise.models.structure import GraphModel
from gradwise.registry import register
from gradwise.saving import files
from gradwise.training import evaluating, fitting
from gradwise.training.callbacks import History
from gradwise.training.compiling import Settings
from gradwise.training.feeding import read_inputs
from gradwise.training.gathering import as_batch, dense
from gradwise.training.lookups import check_inputs, computes_indices, explain_nan
from gradwise.training.measuring import batch_size_for
from gradwise.training.predicting import Predictor
from gradwise.training.session import Session
from gradwise.training.state import TrainState
from gradwise.training.stateful import fit_batches
from gradwise.training.step import Batch, make_train_step
from gradwise.training.streams import Stream, is_stream


@register("models.Model", aliases=("Functional",))
class Model(GraphModel):
    """A model: made from symbolic inputs and outputs, or by a subclass with `call`.

    Args:
        inputs: What `Input(...)` returned, or a list or dict of these.
        outputs: What calling layers on them returned, likewise.
        name: The model's name.
        trainable: Whether gradients change anything in it.

    Raises:
        InputError: An output cannot be computed from the inputs.

    Example:
        >>> from gradwise.layers import Dense, Input, concatenate
        >>> left, right = Input((10,)), Input((20,))
        >>> outputs = Dense(200)(concatenate([Dense(100)(left), right]))
        >>> model = Model([left, right], outputs)
        >>> model.count_params()
        25300
    """

    stop_training: bool = False

    def __init__(
        self, inputs: Any = None, outputs: Any = None, *, name: str | None = None, trainable: bool = True
    ) -> None:
        super().__init__(inputs, outputs, name=name, trainable=trainable)
        self.example_shapes: Any = None
        self.session: Session | None = None
        self.history: History | None = None
        self._predictor: Predictor | None = None

    def get_config(self) -> dict[str, Any]:
        """Returns the graph and the name, or the settings of a subclass."""
        if type(self) is not Model:
            return super().get_config()
        config = {**graph_to_config(self._graph_or_refuse()), "name": self.name}
        return config if self.trainable else {**config, "trainable": False}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Builds the model from its settings."""
        if cls is Model:
            inputs, outputs = graph_from_config(dict(config))
            model = Model(inputs, outputs, name=config.get("name"))
        else:
            model = super().from_config(
                {name: value for name, value in config.items() if name != "trainable"}
            )
        # Not through the property, which would freeze every layer: each one remembers for itself.
        model._trainable = bool(config.get("trainable", True))
        return model

    @property
    def couples_rows(self) -> str:  # type: ignore[override]
        """A graph couples rows only if a layer in it does; what a subclass does is unknown."""
        return "never" if self.graph is not None and type(self).call is Model.call else "always"

    @property
    def reads_sparse(self) -> bool:  # type: ignore[override]
        """A graph fills up what its layers cannot read; what a subclass does is unknown."""
        return self.graph is not None and type(self).call is Model.call

    # Calling ---------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Runs the graph; subclasses without a graph say here what they compute."""
        return self.propagate(inputs, mask=mask, training=training)[0]

    def propagate(self, *args: Any, mask: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        """Runs the model on inputs and masks."""
        graph = self.numeric_graph
        if graph is None or type(self).call is not Model.call:
            return super().propagate(*args, mask=mask, **kwargs)
        with in_mode(kwargs.get("training")):
            outputs, masks = graph.run(args[0], mask)
        return outputs, masks if isinstance(graph.outputs, (list, tuple, dict)) else masks[0]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Computes outputs from arrays by a compiled program, or adds a node when given symbolic tensors.

        With `training=True` layers behave as in training: dropout drops, and moving averages move.
        """
        plain = kwargs.keys() <= {"training"} and len(args) == 1 and current_frame() is None
        if plain and not symbolic_leaves(args) and not _traced(args):
            inputs = args[0]
            if self.front is not None or not isinstance(inputs, jax.Array):
                inputs = read_inputs(self, inputs, f"'{self.name}'")
            check_inputs(self, inputs)
            program = self._forward_program(inputs)
            outputs = self._training_pass(inputs) if kwargs.get("training") else program(inputs)
            return self._explained(inputs, outputs)
        if self.front is not None and symbolic_leaves(args):
            return self._graph_or_refuse().redraw(args[0], training=kwargs.get("training"))
        return super().__call__(*args, **kwargs)

    def _explained(self, inputs: Any, outputs: Any) -> Any:
        """Returns the outputs, unless NaN in them comes from an index outside a table."""
        looks_up = self._predictor is not None and self._predictor.computes_indices
        if looks_up and any(_has_nan(array) for array in jax.tree.leaves(outputs)):
            explain_nan(self, inputs, jax.tree.leaves(inputs)[0].shape[0])
        return outputs

    def _training_pass(self, inputs: Any) -> Any:
        key = jax.random.key(next_seed())
        batch = as_batch(inputs)
        given = batch if self.reads_sparse else dense(batch)
        outputs, values = functional_call(self, {}, given, training=True, key=key)
        for path, variable in self.named_variables().items():
            if values[path] is not variable.array:
                variable.assign(values[path])
        return outputs

    def _forward_program(self, inputs: Any) -> Predictor:
        if self._predictor is None:
            if not self.built:
                self.ensure_built((inputs,), {})
            self._predictor = Predictor(self)
            self._predictor.computes_indices = computes_indices(self, inputs)
        return self._predictor

    def ensure_built(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Builds a subclass and all layers in it by tracing `call`."""
        super().ensure_built(args, kwargs)
        # With tensors that have no values, as later in programs: a Python `if` on one is told of here.
        try:
            self.output_spec(*jax.tree.map(_without_value, (args, kwargs)))
        except Exception:
            self.built = False
            raise
        self.example_shapes = jax.tree.map(lambda array: ([*np.shape(array)], str(array.dtype)), list(args))

    def build_for(self, shapes: Any) -> None:
        """Builds a subclass for inputs of the shapes and types it was built for before."""
        leaf = lambda item: isinstance(item, tuple)  # noqa: E731
        args = jax.tree.map(lambda pair: jax.ShapeDtypeStruct(*pair), shapes, is_leaf=leaf)
        self.ensure_built(tuple(args), {})

    def forget_programs(self) -> None:
        """Drops compiled programs after a change of structure."""
        self._predictor = None
        self.session = None

    # Training --------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        """Says how the model is trained; a second call replaces everything the first one said.

        Args:
            optimizer: A name or an optimizer.
            loss: A name, a loss, or a function (y_true, y_pred) -> float[B, ...]; for several outputs a list
                or a dict by output name.
            loss_weights: The share of each output's loss in the total, as a list or dict.
            metrics: Names, metrics or functions (y_true, y_pred); they count each sample once.
            weighted_metrics: The same, for metrics that use `sample_weight` and `class_weight`.

        Raises:
            InputError: A name is unknown or a setting cannot be used.

        Example:
            >>> from gradwise.layers import Dense, Input
            >>> inputs = Input((4,))
            >>> model = Model(inputs, Dense(3, activation="softmax")(inputs))
            >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        """
        settings = Settings(optimizer, loss, loss_weights, metrics, weighted_metrics)
        own_step = self.train_step if type(self).train_step is not Model.train_step else None
        self.session = Session(self, settings, own_step)

    @property
    def optimizer(self) -> Any:
        """The optimizer that `compile` was given."""
        return self.compiled("optimizer").optimizer

    @property
    def loss(self) -> Any:
        """The loss that `compile` was given."""
        return self.compiled("loss").settings.loss

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns, in order; known once the model has seen data."""
        objective = self.compiled("metrics_names").objective
        return ["loss"] if objective is None else list(objective.names)

    def compiled(self, what: str) -> Session:
        """Returns the compiled session.

        Raises:
            StateError: `compile` was not called.
        """
        if self.session is None:
            raise StateError(
                what,
                expected="a compiled model",
                got="none",
                fix="Call model.compile(optimizer, loss) first.",
            )
        return self.session

    def train_step(self, state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, Any]]:
        """Makes one training step: a pure function that subclasses may override.

        Args:
            state: Where training stands.
            batch: The batch.

        Returns:
            The new state, and small arrays to look at.
        """
        session = self.compiled("train_step")
        if session.objective is None:
            raise StateError("train_step", expected="a bound objective", got="none", fix="Call fit.")
        return make_train_step(self, session.objective, session.optimizer)(state, batch)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        *,
        stratify: bool = False,
    ) -> History:
        """Trains the model.

        Args:
            x: Inputs: an array, a list or dict of arrays, a pandas or polars frame, or a generator or other
                iterable of batches (x, y) or (x, y, sample_weight).
            y: Targets in the same forms; left out for generators.
            batch_size: Samples for each update, 32 by default.
            epochs: The epoch after the last, counted with `initial_epoch`.
            verbose: 0 silent, 1 progress display, 2 one line an epoch; "auto" is 1.
            callbacks: A list of callbacks.
            validation_split: The share taken from the end of the data, before shuffling, to validate on.
            validation_data: (x, y) or (x, y, sample_weight) to validate on, or an iterable of batches.
            shuffle: Whether arrays are shuffled anew each epoch.
            class_weight: A dict from class number to weight, used in training and validation.
            sample_weight: Weights [N], or [N, T] for sequences.
            initial_epoch: The first epoch's number, to go on with earlier training.
            steps_per_epoch: Updates in an epoch; needed for endless generators.
            validation_steps: Batches of validation data, for generators.
            validation_batch_size: The batch size of validation; does not change results.
            validation_freq: Validate after every how many epochs.
            stratify: Whether `validation_split` draws the same share of each class instead of the end.

        Returns:
            The history: `.history` holds a list of values for each log.

        Raises:
            StateError: `compile` was not called.
            InputError: Data or settings cannot be used; nothing has been trained then.

        Example:
            >>> from gradwise.layers import Dense, Input
            >>> inputs = Input((2,))
            >>> model = Model(inputs, Dense(1)(inputs))
            >>> model.compile("sgd", "mse")
            >>> history = model.fit(np.ones((8, 2)), np.ones(8), epochs=2, verbose=0)
            >>> len(history.history["loss"])
            2
        """
        options = fitting.Options(
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
            validation_freq=validation_freq,
            stratify=stratify,
        )
        self.stop_training = False
        self.history = fitting.fit(self, self.compiled("fit"), x, y, sample_weight, options)
        return self.history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Measures loss and metrics, exact over the samples whatever the batch size.

        Args:
            x: Inputs, as for `fit`.
            y: Targets.
            batch_size: Samples at a time; chosen by size if not given.
            verbose: 0 silent, otherwise one line.
            sample_weight: Weights [N].
            steps: Batches to take, for generators.
            callbacks: Callbacks whose `on_test_begin` and `on_test_end` are called.
            return_dict: Whether to return a dict by name.

        Returns:
            The loss, or a list of loss and metrics in the order of `metrics_names`.

        Raises:
            StateError: `compile` was not called.
            InputError: The data cannot be used.
        """
        session = self.compiled("evaluate")
        logs = evaluating.evaluate(self, session, x, y, sample_weight, batch_size, verbose, steps, callbacks)
        if return_dict:
            return logs
        values = list(logs.values())
        return values if len(values) > 1 else values[0]

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Computes the outputs for a data set.

        Args:
            x: Inputs, as for `fit`.
            batch_size: Samples at a time; chosen by size if not given, and without effect on results.
            verbose: Kept for Keras' signature; prediction prints nothing.
            steps: Batches to take, for generators.
            callbacks: Kept for Keras' signature.

        Returns:
            NumPy arrays [N, ...], in the structure of the model's outputs.

        Raises:
            InputError: The inputs cannot be used.
        """
        if is_stream(x):
            stream = Stream(x, "predict", steps=steps, batch_size=batch_size)
            stream.first()  # refuses an empty one
            parts = [self.predict(item, batch_size) for item, _, _ in stream.epoch()]
            return jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)
        inputs = read_inputs(self, x, "predict")
        count = count_samples("predict", x=inputs)
        check_inputs(self, inputs)
        program = self._forward_program(inputs)
        fixed = fit_batches(self, "predict", count, batch_size) if program.keeps_state else None
        size = fixed or batch_size or (count if count <= 32 else batch_size_for(self, inputs))
        return self._explained(inputs, program.predict(inputs, count, size))

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Makes one update with one batch and returns its loss and metrics."""
        logs = fitting.train_on_batch(self.compiled("train_on_batch"), x, y, sample_weight, class_weight)
        return logs if return_dict else _as_list(logs)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Measures loss and metrics of one batch."""
        logs = evaluating.test_on_batch(self.compiled("test_on_batch"), x, y, sample_weight)
        return logs if return_dict else _as_list(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """Computes the outputs of one batch."""
        inputs = read_inputs(self, x, "predict_on_batch")
        return jax.tree.map(np.asarray, self._forward_program(inputs)(inputs))

    # Files -----------------------------------------------------------------------------------------

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes the whole model to a file: architecture, weights and training settings.

        Args:
            filepath: Where; ".gwz" is the usual ending.
            overwrite: Whether a file that is there may be replaced.

        Raises:
            FileError: Something in the model could not be loaded again, or the file is there already.
        """
        files.save_model(self, filepath, overwrite=overwrite)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes the weights only."""
        files.save_weights(self, filepath, overwrite=overwrite)

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Reads weights that `save_weights` or `save` wrote.

        Raises:
            FileError: The file does not fit the model; nothing is changed then.
        """
        files.load_weights(self, filepath)


def _as_list(logs: dict[str, float]) -> Any:
    values = list(logs.values())
    return values if len(values) > 1 else values[0]


def _without_value(leaf: Any) -> Any:
    return SymbolicTensor((None, *leaf.shape[1:]), leaf.dtype) if np.ndim(leaf) else leaf


def _traced(structure: Any) -> bool:
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(structure))


def _has_nan(array: Any) -> bool:
    return array.dtype.kind not in "biu" and bool(np.isnan(np.asarray(array, "float32")).any())
