"""An architecture that cannot be evaluated is a row with its error, in every evaluator made of others."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.evaluators import CombinedEvaluator, EvaluationError, RenamedEvaluator, checked_evaluation
from autobuild_pipelines.evaluators.protocol import ERROR
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace


@dataclass
class Fixed:
    """Returns the columns it is given, whatever the architectures."""

    columns: dict[str, list[object]]
    support: None = None
    metrics: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = tuple(name for name in self.columns if name != ERROR)

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        return pd.DataFrame(self.columns)


@pytest.fixture
def three(ofa_mbv3: SearchSpace) -> ArchitectureArray:
    return ofa_mbv3.sample(3, np.random.default_rng(0))


def test_rows_with_an_error_have_no_metrics_and_the_others_must_be_finite(three: ArchitectureArray) -> None:
    table = checked_evaluation(Fixed({"acc": [1.0, np.nan, 3.0], ERROR: [None, "broken", None]}), three)
    assert table[ERROR].tolist() == [None, "broken", None]
    assert table["acc"].isna().tolist() == [False, True, False]
    with pytest.raises(EvaluationError, match="metric 'acc': nan for architecture 3 of 3"):
        checked_evaluation(Fixed({"acc": [1.0, np.nan, np.nan], ERROR: [None, "broken", None]}), three)


def test_a_failed_row_keeps_no_metric_that_was_given_with_its_error(three: ArchitectureArray) -> None:
    table = checked_evaluation(Fixed({"acc": [1.0, 2.0, 3.0], ERROR: [None, "broken", None]}), three)
    assert table["acc"].isna().tolist() == [False, True, False]


def test_what_one_part_could_not_evaluate_keeps_the_metrics_of_the_others(three: ArchitectureArray) -> None:
    measured = RenamedEvaluator(Fixed({"ms": [1.0, np.nan, np.nan], ERROR: [None, "slow", "slow"]}), {"ms": "latency"})
    other = Fixed({"acc": [1.0, 2.0, np.nan], ERROR: [None, None, "dark"]})
    table = CombinedEvaluator([measured, other, Fixed({"macs": [7.0, 8.0, 9.0]})]).evaluate(three)
    assert list(table.columns) == ["latency", "acc", "macs", ERROR]
    assert table[ERROR].tolist() == [None, "slow", "slow; dark"]
    assert table["acc"].tolist()[:2] == [1.0, 2.0]
    assert table["macs"].tolist() == [7.0, 8.0, 9.0]


def test_evaluators_that_cannot_fail_have_no_column_of_errors(three: ArchitectureArray) -> None:
    table = CombinedEvaluator([Fixed({"macs": [7.0, 8.0, 9.0]})]).evaluate(three)
    assert list(table.columns) == ["macs"]
