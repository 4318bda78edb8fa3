"""Random settings and input shapes for every layer that Keras has as well."""

import math

CHANNELS = ("channels_last", "channels_first")
ACTIVATIONS = (None, "relu", "tanh", "sigmoid", "softplus", "elu", "gelu")


def whole(random, low, high):
    return int(random.integers(low, high + 1))


def wholes(random, low, high, count):
    return tuple(whole(random, low, high) for _ in range(count))


def pick(random, *choices):
    return choices[int(random.integers(len(choices)))]


def often(random, share=0.5):
    return bool(random.random() < share)


def images(random, rank, channels, data_format, least=5):
    sizes = wholes(random, least, least + 3, rank)
    return (*sizes, channels) if data_format == "channels_last" else (channels, *sizes)


def dense(random):
    settings = {"units": whole(random, 1, 6), "activation": pick(random, *ACTIVATIONS)}
    return [(*wholes(random, 1, 4, whole(random, 0, 2)), whole(random, 1, 6))], {
        **settings,
        "use_bias": often(random),
    }


def embedding(random):
    size = whole(random, 2, 9)
    settings = {"input_dim": size, "output_dim": whole(random, 1, 5)}
    return [wholes(random, 1, 5, whole(random, 1, 2))], settings, {"integers": size}


def convolution(rank, separable=False, depthwise=False):
    def draw(random):
        padding = pick(
            random, "valid", "same", *(["causal"] if rank == 1 and not (depthwise or separable) else [])
        )
        data_format = "channels_last" if padding == "causal" else pick(random, *CHANNELS)
        groups = 1 if separable or depthwise else pick(random, 1, 1, 2, 3)
        channels = groups * whole(random, 1, 3)
        settings = {"kernel_size": wholes(random, 1, 3, rank), "padding": padding}
        if depthwise or separable:
            settings["depth_multiplier"] = whole(random, 1, 3)
        if not depthwise:
            settings["filters"] = groups * whole(random, 1, 3)
        if not (depthwise or separable):
            settings["groups"] = groups
        if often(random):
            same = whole(
                random, 1, 3
            )  # one step for all axes where channels are kept apart, as in TensorFlow
            settings["strides"] = (same,) * rank if depthwise or separable else wholes(random, 1, 3, rank)
        else:
            settings["dilation_rate"] = (whole(random, 1, 2),) * rank
        common = {
            "data_format": data_format,
            "use_bias": often(random),
            "activation": pick(random, *ACTIVATIONS),
        }
        return [images(random, rank, channels, data_format)], {**settings, **common}

    return draw


def transposed(rank):
    def draw(random):
        data_format = pick(random, *CHANNELS)
        settings = {
            "filters": whole(random, 1, 3),
            "kernel_size": wholes(random, 1, 3, rank),
            "strides": wholes(random, 1, 3, rank),
            "padding": pick(random, "valid", "same"),
            "data_format": data_format,
            "use_bias": often(random),
        }
        return [images(random, rank, whole(random, 1, 3), data_format, least=2)], settings

    return draw


def pooling(rank):
    def draw(random):
        data_format = pick(random, *CHANNELS)
        settings = {
            "pool_size": wholes(random, 1, 3, rank),
            "strides": pick(random, None, wholes(random, 1, 3, rank)),
            "padding": pick(random, "valid", "same"),
            "data_format": data_format,
        }
        return [images(random, rank, whole(random, 1, 3), data_format)], settings

    return draw


def global_pooling(rank):
    def draw(random):
        data_format = pick(random, *CHANNELS)
        settings = {"data_format": data_format, "keepdims": often(random)}
        return [images(random, rank, whole(random, 1, 3), data_format)], settings

    return draw


def borders(name, rank):
    def draw(random):
        amounts = tuple(wholes(random, 0, 2, 2) for _ in range(rank))
        data_format = "channels_last" if rank == 1 else pick(random, *CHANNELS)
        settings = {name: amounts[0] if rank == 1 else amounts}
        if rank > 1:
            settings["data_format"] = data_format
        return [images(random, rank, whole(random, 1, 3), data_format)], settings

    return draw


def upsampling(rank):
    def draw(random):
        size = wholes(random, 1, 3, rank)
        data_format = "channels_last" if rank == 1 else pick(random, *CHANNELS)
        settings = {"size": size[0] if rank == 1 else size}
        if rank > 1:
            settings["data_format"] = data_format
        if rank == 2:
            settings["interpolation"] = pick(random, "nearest", "bilinear")
        return [images(random, rank, whole(random, 1, 3), data_format, least=2)], settings

    return draw


def recurrent(**choices):
    def draw(random):
        settings = {
            "units": whole(random, 1, 5),
            "use_bias": often(random, 0.8),
            "return_sequences": often(random),
            "return_state": often(random, 0.3),
            "go_backwards": often(random, 0.3),
            "unroll": often(random, 0.2),
            "activation": pick(random, "tanh", "relu", "sigmoid"),
            **{name: pick(random, *values) for name, values in choices.items()},
        }
        return [(whole(random, 1, 5), whole(random, 1, 4))], settings

    return draw


def normalisation(random):
    shape = wholes(random, 2, 5, whole(random, 1, 3))
    axis = pick(random, -1, whole(random, 1, len(shape)))
    return [shape], {
        "axis": axis,
        "epsilon": pick(random, 1e-3, 1e-2),
        "center": often(random),
        "scale": often(random),
    }


def batch_normalisation(random):
    shapes, settings = normalisation(random)
    return shapes, {**settings, "momentum": pick(random, 0.5, 0.9, 0.99)}, {"couples": "training"}


def group_normalisation(random):
    groups = whole(random, 1, 3)
    shape = (*wholes(random, 2, 4, whole(random, 1, 2)), groups * whole(random, 1, 3))
    return [shape], {"groups": groups, "center": often(random), "scale": often(random)}


def root_mean_square(random):
    return [wholes(random, 2, 5, whole(random, 1, 3))], {"epsilon": pick(random, 1e-6, 1e-2)}


def unit(random):
    shape = wholes(random, 2, 5, whole(random, 1, 3))
    return [shape], {"axis": pick(random, -1, whole(random, 1, len(shape)))}


def merge(random):
    shape = wholes(random, 1, 4, whole(random, 1, 3))
    return [shape] * whole(random, 2, 4), {}


def subtract(random):
    return [wholes(random, 1, 4, whole(random, 1, 3))] * 2, {}


def concatenate(random):
    shape = wholes(random, 1, 4, whole(random, 1, 3))
    axis = whole(random, 1, len(shape))
    shapes = [
        tuple(whole(random, 1, 4) if place == axis - 1 else size for place, size in enumerate(shape))
        for _ in range(whole(random, 2, 4))
    ]
    return shapes, {"axis": pick(random, axis, axis - len(shape) - 1)}


def dot(random):
    common = whole(random, 1, 4)
    first, second = (common, whole(random, 1, 4)), (common, whole(random, 1, 4))
    if often(random):
        return [first, second], {"axes": 1, "normalize": often(random)}
    return [first[::-1], second], {"axes": (2, 1), "normalize": often(random)}


def reshape(random):
    shape = wholes(random, 1, 4, whole(random, 1, 3))
    return [shape], {"target_shape": pick(random, (-1,), (math.prod(shape), 1), (1, -1), shape[::-1])}


def permute(random):
    rank = whole(random, 1, 3)
    order = tuple(int(place) + 1 for place in random.permutation(rank))
    return [wholes(random, 1, 4, rank)], {"dims": order}


def repeat(random):
    return [(whole(random, 1, 5),)], {"n": whole(random, 1, 5)}


def activation(random):
    names = ("relu", "tanh", "sigmoid", "softmax", "softsign", "selu", "silu", "hard_sigmoid", "exponential")
    return [wholes(random, 2, 4, whole(random, 1, 3))], {"activation": pick(random, *names)}


def softmax(random):
    shape = wholes(random, 2, 4, whole(random, 1, 3))
    return [shape], {"axis": pick(random, -1, whole(random, 1, len(shape)))}


def rectifier(**bounds):
    def draw(random):
        settings = {name: round(float(random.uniform(*bound)), 3) for name, bound in bounds.items()}
        return [wholes(random, 2, 4, whole(random, 1, 3))], settings

    return draw


def multi_head(random):
    size, key_dim = whole(random, 2, 5), whole(random, 1, 4)
    settings = {
        "num_heads": whole(random, 1, 3),
        "key_dim": key_dim,
        "value_dim": pick(random, None, key_dim),  # Keras refuses another one on JAX
        "use_bias": often(random),
        "output_shape": pick(random, None, whole(random, 1, 4)),
    }
    shapes = [(whole(random, 1, 5), size), (whole(random, 2, 5), whole(random, 2, 5))]
    return shapes, settings, {"separate": True}


def attention(random):
    size, steps = whole(random, 1, 4), whole(random, 2, 4)  # over a single step Keras warns
    return [(whole(random, 1, 4), size), (steps, size), (steps, size)], {"use_scale": often(random)}


DRAWS = {
    "Dense": dense,
    "Embedding": embedding,
    **{f"Conv{rank}D": convolution(rank) for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": transposed(rank) for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": convolution(rank, depthwise=True) for rank in (1, 2)},
    **{f"SeparableConv{rank}D": convolution(rank, separable=True) for rank in (1, 2)},
    **{f"MaxPooling{rank}D": pooling(rank) for rank in (1, 2, 3)},
    **{f"AveragePooling{rank}D": pooling(rank) for rank in (1, 2, 3)},
    **{f"GlobalMaxPooling{rank}D": global_pooling(rank) for rank in (1, 2, 3)},
    **{f"GlobalAveragePooling{rank}D": global_pooling(rank) for rank in (1, 2, 3)},
    **{f"ZeroPadding{rank}D": borders("padding", rank) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": borders("cropping", rank) for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": upsampling(rank) for rank in (1, 2, 3)},
    "SimpleRNN": recurrent(),
    "LSTM": recurrent(unit_forget_bias=(True, False)),
    "GRU": recurrent(reset_after=(True, False)),
    "BatchNormalization": batch_normalisation,
    "LayerNormalization": normalisation,
    "GroupNormalization": group_normalisation,
    "RMSNormalization": root_mean_square,
    "UnitNormalization": unit,
    **{name: merge for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")},
    "Subtract": subtract,
    "Concatenate": concatenate,
    "Dot": dot,
    "Reshape": reshape,
    "Permute": permute,
    "RepeatVector": repeat,
    "Activation": activation,
    "Softmax": softmax,
    "ELU": rectifier(alpha=(0.1, 2)),
    "LeakyReLU": rectifier(negative_slope=(0, 1)),
    "ReLU": rectifier(max_value=(0.5, 2), negative_slope=(0, 0.5), threshold=(0, 0.4)),
    "MultiHeadAttention": multi_head,
    "AdditiveAttention": attention,
    "Attention": attention,
}
