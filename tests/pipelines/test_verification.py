"""What was built is measured and compared with what was expected of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.evaluators import EvaluationError
from autobuild_pipelines.pipelines.verification.nodes import draw_verification, measure_built
from autobuild_pipelines.pipelines.verification.schemas import VERIFICATION_METRICS, VERIFIED_ARCHITECTURES
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table

SETTINGS = {"metric": "latency_cpu_ms", "method": "contextual"}


class Timer:
    """Measures 10, 11, 12, ... milliseconds in the order of the rows; those of `fails` fail."""

    metrics = ("latency_ms", "latency_spread", "latency_outliers")
    support = None

    def __init__(self, fails: tuple[int, ...] = ()) -> None:
        self.fails = list(fails)

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        errors = np.full(len(array), None, dtype=object)
        errors[self.fails] = "out of memory"
        latency = 10.0 + np.arange(len(array))
        latency[self.fails] = np.nan
        table = pd.DataFrame({"latency_ms": latency, "latency_spread": 0.02, "latency_outliers": 0.0})
        table.loc[self.fails] = np.nan
        return table.assign(evaluation_error=errors)


def built(space: SearchSpace, expected: list[float], method: str = "contextual") -> pd.DataFrame:
    """As many architectures for target `acc`, and the first of them for target `fast` too."""
    table = to_table(space, space.sample(len(expected), np.random.default_rng(0)), {"latency_cpu_ms": expected})
    table = table.assign(target="acc", rank=np.arange(1, len(table) + 1))
    again = table.head(1).assign(target="fast", rank=1)
    rows = pd.concat([table, again], ignore_index=True)
    return rows.assign(method=method, metric_sources="latency_cpu_ms: latency_predictor")


def metrics_of(table: pd.DataFrame, target: str) -> dict[str, float]:
    rows = table[table["target"] == target]
    return dict(zip(rows["metric"], rows["value"], strict=True))


def measured(space: SearchSpace, expected: list[float], *fails: int) -> Any:
    return measure_built(space, built(space, expected), Timer(fails), SETTINGS)


def test_expected_and_measured_latency_stand_side_by_side_with_error_bias_and_rank(ofa_mbv3: SearchSpace) -> None:
    verified, metrics = measured(ofa_mbv3, [11.0, 12.0, 13.0, 14.0])
    VERIFIED_ARCHITECTURES.validate(verified)
    VERIFICATION_METRICS.validate(metrics)
    assert verified["measured_ms"].tolist() == [10, 11, 12, 13, 14]
    found = metrics_of(metrics, "acc")
    assert found["architectures"] == 4
    assert found["spearman"] == pytest.approx(1)
    assert found["bias_ms"] == pytest.approx(1)
    assert found["mean_ape"] == pytest.approx(np.mean([1 / 10, 1 / 11, 1 / 12, 1 / 13]))


def test_an_architecture_that_was_built_for_two_targets_counts_once_among_all(ofa_mbv3: SearchSpace) -> None:
    _, metrics = measured(ofa_mbv3, [11.0, 12.0, 13.0])
    assert metrics_of(metrics, "all")["architectures"] == 3
    assert metrics_of(metrics, "fast") == {"architectures": 1, "failed": 0}  # one point has no correlation


def test_what_could_not_be_measured_is_counted_and_said(
    ofa_mbv3: SearchSpace, caplog: pytest.LogCaptureFixture
) -> None:
    verified, metrics = measured(ofa_mbv3, [11.0, 12.0, 13.0], 1)
    assert verified["rank"].tolist() == [1, 3, 1]
    assert metrics_of(metrics, "all")["failed"] == 1
    assert "1 built architectures could not be measured: out of memory" in caplog.text


def test_a_metric_that_built_architectures_have_not_is_refused(ofa_mbv3: SearchSpace) -> None:
    table = built(ofa_mbv3, [11.0, 12.0], method="eq5")
    with pytest.raises(EvaluationError, match=r"method 'contextual'.*has the methods \['eq5'\]"):
        measure_built(ofa_mbv3, table, Timer(), SETTINGS)


def test_the_figure_shows_every_network_and_says_how_well_it_was_foretold(ofa_mbv3: SearchSpace) -> None:
    verified, metrics = measured(ofa_mbv3, [11.0, 12.0, 13.0])
    figure = draw_verification(ofa_mbv3, verified, metrics, SETTINGS)
    points = [len(trace.x) for trace in figure.data if trace.mode == "markers"]
    assert points == [3, 1]
    assert "3 networks, Spearman 1.000" in figure.layout.title.text
