"""What `evaluate` says of tables it cannot judge fairly, or not at all."""

import numpy as np
import pytest

from gradwise import workflow
from gradwise.errors import InputError
from gradwise.workflow.describing import tell_evaluation


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    sizes = np.arange(60)
    path = tmp_path_factory.mktemp("table") / "boxes.csv"
    lines = [f"{size},{'yes' if size > 29 else 'no'}" for size in sizes]
    path.write_text("size,heavy\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def trained(table):
    return workflow.train(table, "heavy", epochs=5, seed=0, verbose=0).trained


def test_a_table_without_the_target(trained):
    with pytest.raises(
        InputError, match="target column 'heavy'.*or use `gradwise predict` for rows without it"
    ):
        trained.evaluate({"size": [1, 2, 3]})


def test_rows_the_model_knows_tell_of_no_change(trained, table, capsys):
    evaluation = trained.evaluate(table)
    assert evaluation.familiar and "too good" in evaluation.notes[-1]
    tell_evaluation(trained, evaluation, str(table))
    assert "since training" not in capsys.readouterr().out
