from __future__ import annotations

import json
import math
from typing import Any

import pytest

from autobuild_pipelines.evaluators import latency as module
from autobuild_pipelines.evaluators.fan_out import FannedOut, FanOutSettings
from autobuild_pipelines.evaluators.latency import LatencyEvaluator
from autobuild_pipelines.evaluators.protocol import ERROR
from autobuild_pipelines.evaluators.single import ArchitectureEvaluator
from autobuild_pipelines.networks import NetworkError
from autobuild_pipelines.networks.latency import Latency, LatencySettings, machine_facts
from autobuild_pipelines.networks.runtimes import LatencyError
from autobuild_pipelines.spaces import SearchSpace

QUICK = {"repeats": 3, "warm_up": 0}
NETWORK = {
    "num_classes": 10,
    "stem": {"width": 8, "activation": "relu"},
    "first_block": {"width": 8, "activation": "relu"},
    "stages": [{"width": 8, "stride": 2, "activation": "relu"}],
}


@pytest.fixture
def space() -> SearchSpace:
    return SearchSpace.from_mapping(
        "small",
        {
            "layer_features": {"expand": {"choices": [2, 3]}, "kernel": {"choices": [3]}},
            "graph_features": {"resolution": {"choices": [16, 32]}},
            "units": [{"name": "stage1", "layers": [1, 2]}],
        },
    )


def test_it_measures_one_architecture(space: SearchSpace) -> None:
    evaluator: ArchitectureEvaluator = LatencyEvaluator(space, NETWORK, QUICK)
    found = evaluator.evaluate(space.architecture([[{"expand": 3, "kernel": 3}]], {"resolution": 16}))
    assert tuple(found) == evaluator.metrics == ("latency_ms", "latency_spread", "latency_outliers")
    assert found["latency_ms"] > 0
    assert all(math.isfinite(value) for value in found.values())


def test_its_settings_are_json_and_say_all_that_changes_a_latency(space: SearchSpace) -> None:
    settings = LatencyEvaluator(space, NETWORK, {"batch": 2}).settings()
    assert json.loads(json.dumps(settings)) == settings
    assert settings != LatencyEvaluator(space, NETWORK, {"batch": 4}).settings()
    assert settings != LatencyEvaluator(space, {**NETWORK, "width_multiplier": 2.0}, {"batch": 2}).settings()


def test_a_latency_of_another_machine_is_another_latency(space: SearchSpace, monkeypatch: pytest.MonkeyPatch) -> None:
    here = LatencyEvaluator(space, NETWORK)
    assert here.data_hash() == LatencyEvaluator(space, NETWORK).data_hash()
    facts: dict[str, str] = {**machine_facts(LatencySettings()), "cpu": "another"}
    monkeypatch.setattr(module, "machine_facts", lambda settings: facts)
    assert LatencyEvaluator(space, NETWORK).data_hash() != here.data_hash()


def test_what_cannot_be_measured_is_refused_before_anything_is(space: SearchSpace) -> None:
    with pytest.raises(LatencyError, match="batch"):
        LatencyEvaluator(space, NETWORK, {"batch": 0})
    with pytest.raises(NetworkError, match="stages"):
        LatencyEvaluator(space, {**NETWORK, "stages": NETWORK["stages"] * 2})  # type: ignore[operator]


def test_it_can_be_fanned_out_and_a_failure_stays_one_row(space: SearchSpace, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(_space: Any, _network: Any, architecture: Any, _settings: Any) -> Latency:
        if dict(architecture.graph)["resolution"] == 32:
            raise RuntimeError("out of memory")
        return Latency((2.0, 3.0, 4.0))

    monkeypatch.setattr(module, "measure_latency", measure)
    fan_out = FanOutSettings(backend="sequential", retries=0, max_failed_share=1.0)
    evaluator = FannedOut(space, LatencyEvaluator(space, NETWORK), fan_out, None, progress=False)
    units = [[{"expand": 3, "kernel": 3}]]
    array = space.encode([space.architecture(units, {"resolution": size}) for size in (16, 32)])
    table = evaluator.evaluate(array)
    assert table["latency_ms"].iloc[0] == 3.0
    assert math.isnan(table["latency_ms"].iloc[1])
    assert "out of memory" in table[ERROR].iloc[1]
