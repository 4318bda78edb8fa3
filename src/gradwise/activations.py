"""The activation functions by name: the public face of `gradwise.ops.activations`."""

from gradwise.ops.activations import elu as elu
from gradwise.ops.activations import exponential as exponential
from gradwise.ops.activations import gelu as gelu
from gradwise.ops.activations import get as get
from gradwise.ops.activations import hard_sigmoid as hard_sigmoid
from gradwise.ops.activations import hard_silu as hard_silu
from gradwise.ops.activations import hardmax as hardmax
from gradwise.ops.activations import leaky_relu as leaky_relu
from gradwise.ops.activations import linear as linear
from gradwise.ops.activations import log_softmax as log_softmax
from gradwise.ops.activations import mish as mish
from gradwise.ops.activations import relu as relu
from gradwise.ops.activations import relu6 as relu6
from gradwise.ops.activations import selu as selu
from gradwise.ops.activations import sigmoid as sigmoid
from gradwise.ops.activations import sign as sign
from gradwise.ops.activations import silu as silu
from gradwise.ops.activations import softmax as softmax
from gradwise.ops.activations import softplus as softplus
from gradwise.ops.activations import softsign as softsign
from gradwise.ops.activations import step as step
from gradwise.ops.activations import tanh as tanh
