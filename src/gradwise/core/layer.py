"""The base class of all layers and models."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypedDict

import jax
import jax.numpy as jnp
import numpy as np

from gradwise import activations, config, constraints, initializers, regularizers
from gradwise.core.dtypes import Policy, as_policy
from gradwise.core.shapes import output_spec, shapes_of
from gradwise.core.symbolic import Node, SymbolicTensor, symbolic_leaves
from gradwise.core.tree import LayerTree
from gradwise.core.variable import Frame, Variable, current_frame, in_mode, largest_variable
from gradwise.errors import FileError, InputError, StateError, unknown_name
from gradwise.registry import snake_case

Shape = tuple[int | None, ...]

_COMMON = ("name", "trainable")  # settings that every layer's `get_config` adds
_counts: dict[str, int] = {}
# Activations after which losses can be computed from what went in.
_LAST_ACTIVATIONS: dict[Any, str] = {
    None: "linear",
    activations.linear: "linear",
    activations.sigmoid: "sigmoid",
    activations.softmax: "softmax",
    activations.exponential: "exponential",
}


class LayerOptions(TypedDict, total=False):
    """The settings that every layer takes besides its own.

    Example:
        >>> sorted(LayerOptions.__annotations__)[:3]
        ['activity_regularizer', 'batch_input_shape', 'dtype']
    """

    name: str | None
    trainable: bool
    dtype: Any
    activity_regularizer: Any
    input_shape: Any
    input_dim: int | None
    batch_input_shape: Any


def reset_names() -> None:
    """Starts the automatic numbering of layer names again.

    Example:
        >>> reset_names()
    """
    _counts.clear()


def _automatic_name(cls: type) -> str:
    base = snake_case(cls.__name__)
    count = _counts.get(base, 0)
    _counts[base] = count + 1
    return base if count == 0 else f"{base}_{count}"


class Layer(LayerTree):
    """A function with variables.

    A subclass stores its settings in the constructor, declares variables in `build(input_shape)` with
    `add_weight`, and computes in `call(inputs)`. `call` may also take `training` and `mask`.

    Args:
        name: A name unique in the model; made from the class name by default.
        trainable: Whether gradients change the layer's parameters.
        dtype: The type of computations and variables, such as 'float32', or 'mixed_bfloat16'.
        activity_regularizer: A penalty on the outputs, divided by the batch size.
        input_shape: The shape of one sample; lets a `Sequential` build itself at once.
        input_dim: The same for vectors, as a number.
        batch_input_shape: The same with the batch axis.

    Raises:
        InputError: A setting is unknown or cannot be used.

    Example:
        >>> class Shift(Layer):
        ...     def build(self, input_shape):
        ...         self.offset = self.add_weight("offset", (input_shape[-1],), initializer="ones")
        ...     def call(self, inputs):
        ...         return inputs + self.offset.value[None, :]
        >>> Shift()(np.zeros((1, 2), "float32")).tolist()
        [[1.0, 1.0]]
    """

    # When a row of the output depends on other rows of the batch: "always" unless a class says better,
    # in "training" only, or "never". Where rows are independent, a smaller last batch may be padded with
    # rows of weight zero, exactly.
    couples_rows: ClassVar[str] = "always"
    # Whether a mask on the inputs holds for the outputs as well.
    supports_masking: bool = False

    # Whether `call` takes `SparseRows` as well as arrays.
    reads_sparse: ClassVar[bool] = False

    _call_parameters: ClassVar[frozenset[str]] = frozenset()
    _call_open: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        parameters = inspect.signature(cls.call).parameters
        cls._call_parameters = frozenset(parameters)
        if "call" in cls.__dict__ and "reads_sparse" not in cls.__dict__:
            cls.reads_sparse = False  # a subclass's own `call` may not
        cls._call_open = any(item.kind is item.VAR_KEYWORD for item in parameters.values())

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        activity_regularizer: Any = None,
        input_shape: Any = None,
        input_dim: int | None = None,
        batch_input_shape: Any = None,
        **unknown: Any,
    ) -> None:
        if unknown:
            known = inspect.signature(type(self).__init__).parameters
            raise unknown_name(
                type(self).__name__,
                "a setting",
                next(iter(unknown)),
                [item for item in [*known, *LayerOptions.__annotations__] if item not in ("self", "options")],
            )
        frame = current_frame()
        if frame is not None and not frame.building:
            raise StateError(
                type(self).__name__,
                expected="layers to be created before the call begins",
                got="one made inside `call`",
                fix="Make it in the constructor, keep it in an attribute, and use that in `call`.",
            )
        super().__init__(name if name is not None else _automatic_name(type(self)), trainable=trainable)
        self.dtype_policy: Policy = as_policy(dtype, f"{type(self).__name__} '{self.name}'")
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self.nodes: list[Node] = []
        self.batch_input_shape: Shape | None = _sample_shape(input_shape, input_dim, batch_input_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the settings by name, with the layer's name and whether it is frozen."""
        given = super().get_config()
        return {**given, "name": self.name, **({} if self.trainable else {"trainable": False})}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Builds the layer from its settings, and names and freezes it if its constructor does not."""
        parameters = inspect.signature(cls.__init__).parameters
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            return cls(**config)
        layer = cls(
            **{name: value for name, value in config.items() if name in parameters or name not in _COMMON}
        )
        layer.name = config.get("name", layer.name)
        layer.trainable = config.get("trainable", layer.trainable)
        return layer

    # What subclasses write -------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Declares the variables; does nothing by default.

        Args:
            input_shape: The shape of the inputs with None for unknown sizes, or a list of shapes.
        """

    def call(self, inputs: Any) -> Any:
        """Computes the outputs; subclasses say how."""
        raise StateError(
            f"{type(self).__name__} '{self.name}'",
            expected="a `call` method",
            got="none",
            fix="Define call(self, inputs) in the class.",
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the mask of the outputs: the inputs' own where the layer supports masking."""
        return mask if self.supports_masking else None

    # What subclasses use ---------------------------------------------------------------------------

    def add_weight(
        self,
        name: str = "weight",
        shape: Any = (),
        *,
        initializer: Any = "glorot_uniform",
        trainable: bool = True,
        dtype: Any = None,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> Variable:
        """Creates a variable of the layer.

        Args:
            name: Its name within the layer.
            shape: Its sizes.
            initializer: A name, an `Initializer`, or a function of shape and dtype.
            trainable: Whether gradients change it.
            dtype: Its type; by default the layer's variable type.
            regularizer: A name, a `Regularizer` or a function giving a penalty.
            constraint: A name, a `Constraint` or a function applied after each update.

        Returns:
            The variable; its array is `.value`.

        Raises:
            InputError: The shape holds an unknown or negative size.
        """
        if isinstance(name, (tuple, list)):
            name, shape = (shape if isinstance(shape, str) else "weight"), name
        sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        if any(size is None or size < 0 for size in sizes):
            raise InputError(
                f"{type(self).__name__} '{self.name}'",
                expected=f"known sizes for the variable '{name}'",
                got=sizes,
                fix="Give the model an input shape without None on this axis.",
            )
        kind = np.dtype(jnp.dtype(dtype if dtype is not None else self.dtype_policy.variable))
        return Variable(
            self._initial_value(name, sizes, kind, initializer),
            name=name,
            trainable=trainable,
            regularizer=regularizers.get(regularizer),
            constraint=constraints.get(constraint),
        )

    def _initial_value(
        self, name: str, sizes: tuple[int, ...], kind: np.dtype[Any], initializer: Any
    ) -> np.ndarray:
        initial = initializers.get(initializer)
        largest = largest_variable()
        if largest is None:
            return np.asarray(initial(sizes, kind), kind)
        if math.prod(sizes) > largest:
            raise FileError(
                "load",
                expected=f"weights {sizes} for the variable '{name}' of {type(self).__name__} '{self.name}'",
                got=f"a file whose largest array holds {largest} numbers",
                fix="The file is damaged.",
            )
        return np.zeros(sizes, kind)  # the file's values follow

    def add_loss(self, value: Any) -> None:
        """Adds a term to the loss of the call under way; does nothing outside training and evaluation."""
        frame = current_frame()
        if frame is not None:
            frame.losses.append(jnp.mean(value))

    def next_key(self) -> Any:
        """Returns a fresh random key for the call under way."""
        frame = current_frame()
        return frame.next_key(self) if frame is not None else jax.random.key(config.next_seed())

    def activate(self, activation: Callable[[Any], Any] | None, logits: Any) -> Any:
        """Applies an activation and lets the loss know what it was and the logits before it."""
        outputs = logits if activation is None else activation(logits)
        frame = current_frame()
        if frame is not None and activation in _LAST_ACTIVATIONS:
            frame.note_logits(outputs, _LAST_ACTIVATIONS[activation], logits)
        return outputs

    # Calling ---------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Computes outputs from arrays, or adds a node to the graph when given symbolic tensors."""
        if symbolic_leaves((args, kwargs)):
            return self._call_symbolic(args, kwargs)
        if not self.built:
            self.ensure_built(args, kwargs)
        return self._call_arrays(args, kwargs)

    def _call_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        frame = current_frame()
        mode = kwargs.get("training")
        if "training" in self._call_parameters and mode is None:
            kwargs = {**kwargs, "training": frame.training if frame is not None else False}
        elif "training" in kwargs and "training" not in self._call_parameters and not self._call_open:
            kwargs = {name: value for name, value in kwargs.items() if name != "training"}
        args = jax.tree.map(self.dtype_policy.cast, args)
        with in_mode(mode):
            outputs = self.call(*args, **kwargs)
        if self.activity_regularizer is not None and frame is not None:
            for output in jax.tree.leaves(outputs):
                frame.losses.append(self.activity_regularizer(output) / output.shape[0])
        return outputs

    def propagate(self, *args: Any, mask: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        """Calls the layer on inputs with their mask and returns the outputs with theirs.

        In a graph, masks travel beside the arrays. `mask` is that of the first argument, or a list of masks
        if that is a list; a `call` with a parameter `mask` gets it. A layer with several arguments names a
        parameter for each mask, such as `query_mask` and `value_mask` beside `query` and `value`; the graph
        fills them in unless the call gives them. `compute_mask` says which mask the outputs have. In a `call`
        that works on arrays, nothing travels: pass masks explicitly, as in `self.attention(x, x,
        query_mask=mask, value_mask=mask)` with `mask = self.embedding.compute_mask(indices)`.
        """
        given = {**kwargs, "mask": mask} if "mask" in self._call_parameters and mask is not None else kwargs
        outputs = self(*args, **given)
        return outputs, self.compute_mask(args[0], mask) if args else None

    def _call_symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        spec = self.output_spec(args, kwargs)
        node = Node(self, args, kwargs)
        outputs = jax.tree.map(lambda leaf: SymbolicTensor(leaf.shape, leaf.dtype, node=node), spec)
        node.set_outputs(outputs)
        self.nodes.append(node)
        return outputs

    def output_spec(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Works out shapes and types of the outputs by tracing, and builds the layer on the way."""
        return output_spec(self._trace, args, kwargs)

    def _trace(self, args: tuple[Any, ...], kwargs: dict[str, Any], shapes: tuple[Any, ...]) -> Any:
        with Frame({}, building=True):
            if not self.built:
                self.run_build(shapes[0] if shapes else None)
            return self._call_arrays(args, kwargs)

    def ensure_built(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Builds the layer for the inputs at hand.

        Raises:
            StateError: A pure call has begun: variables can no longer be created.
        """
        frame = current_frame()
        if frame is not None and not frame.building:
            raise StateError(
                f"{type(self).__name__} '{self.name}'",
                expected="to be built before a pure call begins",
                got="a layer without variables yet",
                fix="Create it in the constructor and call the model once on a batch first.",
            )
        shape = shapes_of(args[0]) if args else None
        if shape is not None and frame is None:
            shape = jax.tree.map(_unknown_batch, shape, is_leaf=lambda item: isinstance(item, tuple))
        self.run_build(shape)

    def run_build(self, input_shape: Any) -> None:
        """Calls `build` once and marks the layer as built."""
        if not self.built:
            with Frame({}, building=True):
                self.build(input_shape)
            self.built = True

    # Attributes ------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        frame = current_frame()
        if frame is not None and not frame.building:
            raise StateError(
                f"{type(self).__name__} '{self.__dict__.get('name', '')}'",
                expected="no attribute to be set inside `call`",
                got=f"self.{name} = ...",
                fix="Return the value, or keep state in a variable and use assign.",
            )
        object.__setattr__(self, name, value)

    @property
    def input(self) -> Any:
        """The symbolic input of the layer's only use in a graph."""
        return self._only_node("input").inputs

    @property
    def output(self) -> Any:
        """The symbolic output of the layer's only use in a graph."""
        return self._only_node("output").outputs

    def _only_node(self, what: str) -> Node:
        if len(self.nodes) != 1:
            raise StateError(
                f"{what} of '{self.name}'",
                expected="a layer used exactly once in a graph",
                got=f"{len(self.nodes)} uses",
                fix="Build the model with an input shape; for a shared layer, keep the tensor it returned.",
            )
        return self.nodes[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} '{self.name}'>"


def _unknown_batch(shape: Shape) -> Shape:
    return (None, *shape[1:]) if shape else shape


def _sample_shape(input_shape: Any, input_dim: int | None, batch_input_shape: Any) -> Shape | None:
    if batch_input_shape is not None:
        return tuple(batch_input_shape)
    if input_shape is not None:
        sizes = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else (input_shape,)
        return (None, *sizes)
    return None if input_dim is None else (None, input_dim)
