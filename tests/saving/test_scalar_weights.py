"""A layer of a user's with a single number as its weight, from the README."""

import jax.numpy as jnp
import numpy as np

import gradwise as gw


@gw.register("tests.Swish")
class Swish(gw.Layer):
    def build(self, input_shape):
        self.beta = self.add_weight("beta", (), initializer="ones")

    def call(self, inputs):
        return inputs / (1 + jnp.exp(-self.beta.value * inputs))


def test_a_weight_without_axes_survives_the_file(tmp_path):
    model = gw.Sequential([gw.Input((3,)), Swish()])
    model.set_weights([np.float32(0.7)])
    model.save(tmp_path / "swish.gwz")
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(gw.load_model(tmp_path / "swish.gwz").predict(x), model.predict(x))


def test_plot_needs_no_further_import(tmp_path):
    """Run in a process of its own, where nothing else has imported the figures."""
    import subprocess
    import sys

    code = (
        "import numpy as np, gradwise as gw\n"
        "model = gw.Sequential([gw.Input((2,)), gw.layers.Dense(1)])\n"
        "model.compile('sgd', 'mse')\n"
        "history = model.fit(np.ones((8, 2)), np.ones(8), epochs=2, verbose=0)\n"
        f"history.plot({str(tmp_path / 'curves.png')!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert (tmp_path / "curves.png").stat().st_size > 1000
