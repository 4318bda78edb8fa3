"""Contract rows: normalisations, dropouts and noises."""

from gradwise import layers
from tests.contracts.case import IMAGE, Case, same

VOLUME = (3, 2, 2, 4)


def spectral(wrapped, shapes, settings, power_iterations, **options):
    """A spectral normalisation around a layer of this name, in both libraries."""
    return Case(
        lambda: layers.SpectralNormalization(
            getattr(layers, wrapped)(name="wrapped", **settings), power_iterations
        ),
        shapes,
        (
            lambda keras: keras.SpectralNormalization(getattr(keras, wrapped)(**settings), power_iterations),
            {},
        ),
        **options,
    )


CASES = [
    same("BatchNormalization", [(4, 5)], center=False, couples="training", masked=True),
    same("BatchNormalization", [IMAGE], axis=1, momentum=0.0, couples="training"),
    same("BatchNormalization", [VOLUME], axis=-2, scale=False, epsilon=0.1, couples="training"),
    same(
        "BatchNormalization",
        [(5,)],
        moving_mean_initializer="ones",
        gamma_regularizer="l2",
        couples="training",
    ),
    Case(
        lambda: layers.BatchNormalization(synchronized=True), [(4, 5)], None, couples="training", masked=True
    ),
    same("LayerNormalization", [(5,)], masked=True),
    same("LayerNormalization", [(4, 5)], epsilon=1e-5, center=False, masked=True),
    same("LayerNormalization", [IMAGE], axis=[1, 2, 3], scale=False),
    same("LayerNormalization", [IMAGE], axis=(-3, -1)),
    same("LayerNormalization", [IMAGE], axis=1, beta_initializer="ones", gamma_initializer="random_normal"),
    same("GroupNormalization", [(6,)], groups=2, masked=True),
    same("GroupNormalization", [(7, 6, 4)], groups=2, epsilon=1e-5),
    same("GroupNormalization", [(7, 6, 4)], groups=1, center=False),
    same("GroupNormalization", [(4, 5, 3)], groups=2, axis=1, scale=False),
    same("GroupNormalization", [VOLUME], groups=-1),
    same("GroupNormalization", [(4, 5, 3)], groups=-1, axis=1),
    same("RMSNormalization", [(5,)], masked=True),
    # Keras spreads the scale over the last axes, whatever `axis` says.
    Case(lambda: layers.RMSNormalization(axis=[1, 2], epsilon=1e-3), [IMAGE], None),
    Case(lambda: layers.RMSNormalization(axis=1), [(4, 5)], None, masked=True),
    same("UnitNormalization", [(5,)], masked=True),
    same("UnitNormalization", [IMAGE], axis=[1, 3]),
    # With one unit, the power iterations are exact at once, and so are the gradients.
    spectral("Dense", [(5,)], {"units": 1}, 1),
    spectral("Dense", [(4, 5)], {"units": 1}, 2, masked=True),
    spectral("Conv2D", [IMAGE], {"filters": 1, "kernel_size": 2, "use_bias": False}, 1, wrong_rank=(7, 6)),
    # Keras turns what an embedding gives into integers, like the indices.
    Case(
        lambda: layers.SpectralNormalization(layers.Embedding(7, 1, "glorot_uniform", name="wrapped")),
        [(4,)],
        None,
        integers=7,
    ),
    same("Dropout", [(50,)], rate=0.0),
    same("Dropout", [(50,)], rate=0.4, seed=3, random=True, masked=True),
    same("Dropout", [(3, 50)], rate=0.4, noise_shape=(None, None, 1), random=True),
    Case(lambda: layers.Dropout(0.4, inverted=False), [(50,)], None, random=True, masked=True),
    same("SpatialDropout1D", [(4, 50)], rate=0.4, random=True, masked=True, wrong_rank=(50,)),
    same("SpatialDropout2D", [(2, 3, 50)], rate=0.4, random=True, wrong_rank=(3, 50)),
    same("SpatialDropout2D", [(50, 2, 3)], rate=0.4, data_format="channels_first", random=True),
    same("SpatialDropout3D", [(2, 3, 2, 50)], rate=0.4, random=True, wrong_rank=(2, 3, 50)),
    same("SpatialDropout3D", [(50, 2, 3, 2)], rate=0.4, data_format="channels_first", random=True),
    same("AlphaDropout", [(50,)], rate=0.4, random=True, masked=True),
    same("AlphaDropout", [(4, 50)], rate=0.4, noise_shape=(None, 1, None), seed=5, random=True),
    same("GaussianDropout", [(50,)], rate=0.4, random=True, masked=True),
    same("GaussianNoise", [(50,)], stddev=0.4, random=True, masked=True),
]
