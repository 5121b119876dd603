"""Evaluators are made from parameters; wrong parameters are refused by metric."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.evaluators import (
    EVALUATOR_TYPES,
    EvaluationError,
    EvaluationLedger,
    EvaluatorSources,
    make_evaluators,
)
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table

SPACE = SearchSpace.from_mapping(
    "small",
    {
        "layer_features": {"kernel": {"choices": [3, 5]}, "expand": {"choices": [1, 2]}},
        "graph_features": {"resolution": {"choices": [32, 64]}},
        "units": [{"name": "one", "layers": [1, 2]}, {"name": "two", "layers": [1, 2]}],
    },
)
NETWORK = {
    "stem": {"width": 8, "activation": "relu"},
    "first_block": {"width": 8, "activation": "relu"},
    "stages": [
        {"width": 8, "stride": 2, "activation": "relu"},
        {"width": 16, "stride": 2, "activation": "relu"},
    ],
    "num_classes": 10,
}


def sample(count: int = 12) -> ArchitectureArray:
    return SPACE.sample(count, np.random.default_rng(4))


class Predictors:
    """Two targets: the number of layers, and its negative."""

    targets = ("depth", "shallow")

    def __init__(self) -> None:
        self.calls = 0

    def predict(self, array: ArchitectureArray) -> Any:
        self.calls += 1
        depth = (array.layers >= 0).sum(axis=1).astype(float)
        return np.stack([depth, -depth])


class Released:
    def predict(self, array: ArchitectureArray) -> Any:
        return array.layers[:, 0].astype(np.float32)


def sources(**more: Any) -> EvaluatorSources:
    labels = {"acc": np.linspace(0.5, 0.8, 12)}
    given = {
        "architectures": to_table(SPACE, sample(), labels),
        "network": NETWORK,
        "predictors": Predictors(),
        "released": {"first": Released},
    }
    return EvaluatorSources(SPACE, **{**given, **more})


def test_every_metric_comes_from_its_source_in_the_order_of_the_parameters() -> None:
    settings = {
        "size": {"type": "params"},
        "first": {"type": "released_predictor", "checkpoint": "first"},
        "macs": {"type": "macs"},
        "layers": {"type": "predictor", "target": "depth"},
        "shallow": {"type": "predictor"},
    }
    evaluator = make_evaluators(settings, sources())
    table = evaluator.evaluate(sample())
    assert list(table.columns) == list(evaluator.metrics) == list(settings)
    assert (table.dtypes == np.float64).all()
    assert evaluator.support is None
    np.testing.assert_array_equal(table["layers"], -table["shallow"])
    assert (table["macs"] > table["size"]).all()


def test_one_prediction_serves_all_targets() -> None:
    predictors = Predictors()
    settings = {"a": {"type": "predictor", "target": "depth"}, "b": {"type": "predictor", "target": "shallow"}}
    make_evaluators(settings, sources(predictors=predictors)).evaluate(sample())
    assert predictors.calls == 1


def test_a_metric_whose_target_has_a_minus_is_predicted_with_its_own_sign() -> None:
    settings = {"depth": {"type": "predictor"}, "flat": {"type": "predictor", "target": "depth", "factor": -1}}
    table = make_evaluators(settings, sources()).evaluate(sample())
    assert table["flat"].tolist() == (-table["depth"]).tolist()
    with pytest.raises(EvaluationError, match="metric 'depth': factor: expected a number other than 0, got 0"):
        make_evaluators({"depth": {"type": "predictor", "factor": 0}}, sources())


def test_a_released_predictor_is_loaded_only_when_it_is_named() -> None:
    def unreadable() -> Released:
        raise OSError("cannot read")

    released = {"first": Released, "second": unreadable}
    make_evaluators({"a": {"type": "released_predictor", "checkpoint": "first"}}, sources(released=released))
    with pytest.raises(EvaluationError, match="metric 'a': checkpoint 'second' does not load: cannot read"):
        make_evaluators({"a": {"type": "released_predictor", "checkpoint": "second"}}, sources(released=released))


def test_a_table_beside_costs_bounds_what_can_be_evaluated() -> None:
    evaluator = make_evaluators({"top1": {"type": "table", "column": "acc"}, "macs": {"type": "macs"}}, sources())
    assert evaluator.support is not None
    assert evaluator.support.keys() == sample().keys()
    np.testing.assert_allclose(evaluator.evaluate(sample())["top1"], np.linspace(0.5, 0.8, 12))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "expected a mapping of metrics to sources"),
        ({"a": "macs"}, "metric 'a': expected a mapping with a key 'type', one of .*'macs'"),
        ({"a": {"type": "guess"}}, "metric 'a': unknown type 'guess', expected one of .*'table'"),
        ({"a": {"type": "macs", "column": "x"}}, "metric 'a': type 'macs' has no key 'column'; it takes none"),
        ({"a": {"type": "released_predictor"}}, "metric 'a': type 'released_predictor' needs the key 'checkpoint'"),
        (
            {"a": {"type": "released_predictor", "checkpoint": "x"}},
            r"metric 'a': there is no checkpoint 'x', only \['first'\]",
        ),
        (
            {"a": {"type": "predictor"}},
            r"metric 'a': there is no predictor of target 'a', only of \['depth', 'shallow'\]",
        ),
        ({"a": {"type": "table"}}, r"metric 'a': the table has no column 'a'; its labels are \['acc'\]"),
        ({"a": {"type": "surrogate"}}, "metric 'a': type 'surrogate' needs surrogate, which space 'small' has not"),
        ({"a": {"type": "layer_latency"}}, "metric 'a': type 'layer_latency' needs layer latencies"),
    ],
)
def test_wrong_parameters_are_refused_with_the_metric_and_what_would_be_right(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(EvaluationError, match=message):
        make_evaluators(settings, sources())


@pytest.mark.parametrize(
    ("kind", "source"), [("macs", "network"), ("predictor", "predictors"), ("table", "architectures")]
)
def test_a_missing_source_is_named(kind: str, source: str) -> None:
    with pytest.raises(EvaluationError, match=f"metric 'a': type .*needs {source}"):
        make_evaluators({"a": {"type": kind}}, sources(**{source: None}))


def test_a_network_that_does_not_fit_is_refused_with_the_metric() -> None:
    network = {**NETWORK, "stages": NETWORK["stages"][:1]}  # type: ignore[index]
    with pytest.raises(EvaluationError, match="metric 'a': network of space 'small': stages"):
        make_evaluators({"a": {"type": "macs"}}, sources(network=network))


def test_a_prediction_that_is_not_finite_is_refused_with_the_metric() -> None:
    class Broken(Released):
        def predict(self, array: ArchitectureArray) -> Any:
            return np.full(len(array), np.inf)

    evaluator = make_evaluators(
        {"a": {"type": "released_predictor", "checkpoint": "b"}}, sources(released={"b": Broken})
    )
    with pytest.raises(EvaluationError, match="metric 'a': inf for architecture 1 of 12 is not finite"):
        evaluator.evaluate(sample())


def test_an_evaluator_that_returns_too_few_rows_is_refused() -> None:
    class Short(Released):
        def predict(self, array: ArchitectureArray) -> Any:
            return np.zeros(len(array) - 1)

    evaluator = make_evaluators(
        {"a": {"type": "released_predictor", "checkpoint": "b"}}, sources(released={"b": Short})
    )
    with pytest.raises(EvaluationError, match="returned 11 rows for 12 architectures"):
        evaluator.evaluate(sample())


def test_evaluations_of_no_architectures_are_an_empty_table() -> None:
    table = make_evaluators({"macs": {"type": "macs"}, "depth": {"type": "predictor"}}, sources()).evaluate(sample(0))
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == ["macs", "depth"]
    assert table.empty


def measuring(entry: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "latency", "repeats": 1, "warm_up": 0, "fan_out": {"backend": "sequential"}, **entry, **more}


def test_metrics_of_the_same_settings_come_from_one_measurement(tmp_path: Path) -> None:
    settings = {"ms": measuring({}), "spread": measuring({"output": "spread"}), "ms2": measuring({"batch": 2})}
    with EvaluationLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        table = make_evaluators(settings, sources(ledger=ledger, latency={"threads": 1})).evaluate(sample(3))
        recorded = ledger.table()
    assert (table[["ms", "ms2"]] > 0).all(axis=None)
    assert table["evaluation_error"].isna().all()
    assert len(recorded) == 2 * 3
    assert recorded["settings_hash"].nunique() == 2


def test_latency_is_measured_one_network_at_a_time_unless_its_entry_says_otherwise() -> None:
    part = EVALUATOR_TYPES["latency"].build({"ms": {"type": "latency"}}, sources(fan_out={"workers": 8}))[0]
    assert part._part._settings.workers == 1  # type: ignore[attr-defined]
    entry = {"type": "latency", "fan_out": {"workers": 2}}
    part = EVALUATOR_TYPES["latency"].build({"ms": entry}, sources(fan_out={"workers": 8}))[0]
    assert part._part._settings.workers == 2  # type: ignore[attr-defined]


def test_latency_predictors_are_asked_for_the_metric_or_for_a_named_target() -> None:
    settings = {"depth": {"type": "latency_predictor"}, "ms": {"type": "latency_predictor", "target": "shallow"}}
    table = make_evaluators(settings, sources(latency_predictors=Predictors())).evaluate(sample())
    np.testing.assert_array_equal(table["depth"], -table["ms"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ms": measuring({"output": "mean"})}, r"metric 'ms': output: 'mean' is not one of \['median', 'spread'"),
        ({"a": measuring({}), "b": measuring({})}, "metric 'b': is the same as metric 'a'"),
        ({"ms": measuring({"runtime": "tvm"})}, "metric 'ms'.*runtime"),
        ({"ms": measuring({"repeat": 3})}, "metric 'ms': type 'latency' has no key 'repeat'"),
        ({"acc": {"type": "imagenet"}}, "metric 'acc': type 'imagenet' needs the key 'weights'"),
        ({"ms": {"type": "latency_predictor"}}, "type 'latency_predictor' needs latency predictors"),
    ],
)
def test_wrong_settings_of_measurements_are_refused_by_metric(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        make_evaluators(settings, sources())
