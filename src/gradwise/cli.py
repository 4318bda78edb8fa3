"""The command line: train, predict, evaluate, summary.

Heavy modules are imported by the commands that need them, so that help and errors come at once.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gradwise.errors import GradwiseError, InputError
from gradwise.version import __version__

_KINDS = ("binary", "single-label", "multi-label", "regression", "unit-regression")
_MAIN = """\
Trains neural networks on your own data and says what they are worth.

examples:
  gradwise train digits                              handwritten digits that come with the library
  gradwise train titanic.csv --target survived       a table, with what to predict
  gradwise predict runs/titanic-1/model.gwz new.csv --out answers.csv
"""
_TRAIN = """\
Finds out what kind of problem the target poses, prepares the columns, trains with early stopping,
compares with a dumb baseline, measures the test part once, and writes model.gwz, report.html and run.json.
"""
_TRAIN_EXAMPLES = """\
examples:
  gradwise train digits
  gradwise train titanic.csv --target survived
  gradwise train wine.csv --target quality --kind regression --epochs 50 --out runs/wine
  gradwise train cars.csv --target mpg --seed 3

data sets by name: digits (comes with the library); mnist, fashion_mnist, cifar10, imdb, reuters and
boston_housing, from the folder that GRADWISE_DATA names or ~/.cache/gradwise, into which absent files are
downloaded.
"""
_PREDICT_EXAMPLES = """\
examples:
  gradwise predict runs/titanic-1/model.gwz new.csv                     prints the answers as CSV
  gradwise predict runs/titanic-1/model.gwz new.csv --out answers.csv   writes them to a file
  gradwise predict runs/digits-1/model.gwz pictures.npy                 pictures [B, H, W] from numpy.save
"""
_EVALUATE_EXAMPLES = """\
example:
  gradwise evaluate runs/adult_train-1/model.gwz adult_test.csv
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: The words after "gradwise"; by default those of the process.

    Returns:
        The exit code: 0 if all went well, 2 for input that cannot be used, 130 after Ctrl-C, 141 if the
        reader of the output has gone.

    Example:
        >>> main(["train", "no-such-file.csv"])
        2
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a character shows "?" for it
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = options.run
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            command(options)
            sys.stdout.flush()
            return 0
        except GradwiseError as error:
            _say(f"gradwise {options.command}: {error}")
            return 2
        except KeyboardInterrupt:
            _say(f"\ngradwise {options.command}: interrupted; nothing was written.")
            return 130
        except BrokenPipeError:  # the reader, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except OSError as error:
            _say(f"gradwise {options.command}: the system refused: {error}")
            return 2


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    _say(f"warning: {message}")


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("gradwise", description=_MAIN, formatter_class=plain)
    parser.add_argument("--version", action="version", version=f"gradwise {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, about: str, run: Callable[..., None], text: str = "", end: str = "") -> Any:
        made = commands.add_parser(
            name, help=about, description=text or about, epilog=end, formatter_class=plain
        )
        made.set_defaults(run=run)
        return made

    train = add("train", "train a model on a file or a data set", _train, _TRAIN, _TRAIN_EXAMPLES)
    files = "a file (CSV, TSV, .gz of them, Parquet, Arrow, JSON lines)"
    train.add_argument("data", metavar="DATA", help=f"{files}, or the name of a data set")
    train.add_argument(
        "--target",
        metavar="COLUMN",
        action="append",
        help="the column to predict; repeat it for several (default: found by name, else the last)",
    )
    train.add_argument("--kind", type=_kind, choices=_KINDS, help="the kind of problem, if another is meant")
    train.add_argument(
        "--epochs", metavar="N", type=_count, help="at most so many epochs (default: by size, up to 100)"
    )
    train.add_argument(
        "--batch-size", metavar="N", type=_count, help="samples for each update (default: by size)"
    )
    train.add_argument(
        "--out", metavar="DIR", type=Path, help="where the results go (default: runs/NAME-1, -2, …)"
    )
    train.add_argument(
        "--seed",
        metavar="N",
        type=_seed,
        default=0,
        help="seed of the split, the weights and the shuffles (default: 0)",
    )
    train.add_argument("--quiet", action="store_true", help="print only the verdict and the paths")

    predict = add("predict", "answer new samples with a trained model", _predict, end=_PREDICT_EXAMPLES)
    predict.add_argument("model", metavar="MODEL", help="a model.gwz that 'gradwise train' wrote")
    predict.add_argument(
        "data", metavar="DATA", help="a file with the columns of the training data; a target is ignored"
    )
    predict.add_argument("--out", metavar="FILE", type=Path, help="a CSV file to write (default: print)")

    evaluate = add(
        "evaluate", "measure a trained model on new labelled samples", _evaluate, end=_EVALUATE_EXAMPLES
    )
    evaluate.add_argument("model", metavar="MODEL", help="a model.gwz that 'gradwise train' wrote")
    evaluate.add_argument(
        "data", metavar="DATA", help="a file with the columns of the training data and the target"
    )

    summary = add("summary", "show the layers of a model and what it reads", _summary)
    summary.add_argument("model", metavar="MODEL", help="a model.gwz that 'gradwise train' wrote")
    return parser


def _kind(text: str) -> str:
    return text.replace("_", "-")  # as the Python side spells them


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, but got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 4294967295, but got {text!r}")
    return int(text)


def _train(options: argparse.Namespace) -> None:
    from gradwise.workflow.describing import tell_files
    from gradwise.workflow.output import check_folder, next_folder
    from gradwise.workflow.prepared import short_name
    from gradwise.workflow.runs import train
    from gradwise.workflow.telling import Teller

    folder = options.out or next_folder(short_name(options.data))
    check_folder(folder)
    result = train(
        options.data,
        options.target[0] if options.target and len(options.target) == 1 else options.target,
        kind=options.kind and options.kind.replace("-", "_"),
        epochs=options.epochs,
        batch_size=options.batch_size,
        seed=options.seed,
        verbose=0 if options.quiet else 1,
    )
    teller = Teller(1)
    if options.quiet:
        teller.fact("Verdict", result.verdict.sentence)
    tell_files(teller, result.save(folder))


def _predict(options: argparse.Namespace) -> None:
    from gradwise.workflow.output import replace_file
    from gradwise.workflow.trained import TrainedModel

    out: Path | None = options.out
    for given in (options.model, options.data):
        if out is not None and os.path.exists(given) and out.exists() and os.path.samefile(given, out):
            raise InputError(
                f"out '{out}'", expected="a new file", got="the model or the data", fix="Choose another name."
            )
    predictions = TrainedModel.load(options.model).predict(options.data)
    for note in predictions.notes:
        _say(f"note: {note}")
    if out is None:
        predictions.write(sys.stdout)
        return

    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as stream:
            predictions.write(stream)

    replace_file(out, write)
    _say(f"{len(predictions.values)} predictions written to {out}")


def _evaluate(options: argparse.Namespace) -> None:
    from gradwise.workflow.describing import tell_evaluation
    from gradwise.workflow.trained import TrainedModel

    trained = TrainedModel.load(options.model)
    evaluation = trained.evaluate(options.data)
    for note in evaluation.notes:
        _say(f"note: {note}")
    tell_evaluation(trained, evaluation, options.data)


def _summary(options: argparse.Namespace) -> None:
    from gradwise.workflow.describing import tell_model
    from gradwise.workflow.trained import TrainedModel

    tell_model(TrainedModel.load(options.model))
