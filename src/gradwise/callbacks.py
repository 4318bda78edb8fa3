"""Callbacks: the base class for one's own, and the built-in ones."""

from gradwise.training.callbacks.averaging import SwapEMAWeights as SwapEMAWeights
from gradwise.training.callbacks.base import Callback as Callback
from gradwise.training.callbacks.checkpoint import ModelCheckpoint as ModelCheckpoint
from gradwise.training.callbacks.early_stopping import EarlyStopping as EarlyStopping
from gradwise.training.callbacks.history import History as History
from gradwise.training.callbacks.learning_rate import LearningRateScheduler as LearningRateScheduler
from gradwise.training.callbacks.learning_rate import ReduceLROnPlateau as ReduceLROnPlateau
from gradwise.training.callbacks.logging import CSVLogger as CSVLogger
from gradwise.training.callbacks.logging import LambdaCallback as LambdaCallback
from gradwise.training.callbacks.progress import ProgressBar as ProgressBar
from gradwise.training.callbacks.tensorboard import TensorBoard as TensorBoard
from gradwise.training.callbacks.terminate import TerminateOnNaN as TerminateOnNaN
