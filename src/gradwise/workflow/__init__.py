"""The whole road from a file to a trained, reported model.

`train` finds the problem, prepares the data, trains with early stopping, compares with a dumb baseline,
measures the test part once and writes model and report; `TrainedModel` applies what came out to new data.

May import everything but the command line.

Example:
    >>> table = {"size": list(range(40)), "heavy": ["no"] * 20 + ["yes"] * 20}
    >>> result = train(table, "heavy", epochs=30, seed=0, verbose=0)
    >>> result.predict({"size": [1, 38]}).tolist()
    ['no', 'yes']
"""

from gradwise.workflow.runs import Result as Result
from gradwise.workflow.runs import train as train
from gradwise.workflow.trained import Evaluation as Evaluation
from gradwise.workflow.trained import Predictions as Predictions
from gradwise.workflow.trained import TrainedModel as TrainedModel
