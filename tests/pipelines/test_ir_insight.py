"""Operator graphs of a space's networks: built, learned from, ranked and drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from kedro_datasets.plotly import JSONDataset

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.datasets import OperatorPredictorsDataset, TableDataset, TensorsDataset
from autobuild_pipelines.graphs.operator_arrays import unpack
from autobuild_pipelines.pipelines.ir_insight import create_pipeline, schemas
from autobuild_pipelines.pipelines.ir_insight.settings import InsightSettings
from autobuild_pipelines.pipelines.predictors.schemas import TRAINING_HISTORY
from autobuild_pipelines.spaces import SearchSpace, to_table

CONF = Path(__file__).resolve().parents[2] / "conf" / "base"
SETTINGS: dict[str, Any] = {
    "count": 12,
    "held_out": 0.25,
    "min_architectures": 2,
    "model": {"layers": 2, "hidden": 8, "lift": 8},
    "training": {"epochs": 2},
}
Results = dict[str, Any]


SPACE = {
    "layer_features": {"expand": {"choices": [2, 3]}, "kernel": {"choices": [3, 5]}},
    "graph_features": {"resolution": {"choices": [32]}},
    "units": [{"name": "stage1", "layers": [1, 2]}, {"name": "stage2", "layers": [1, 2, 3]}],
}
NETWORK = {
    "num_classes": 10,
    "stem": {"width": 8, "activation": "relu"},
    "first_block": {"width": 8, "activation": "relu"},
    "stages": [
        {"width": 8, "stride": 2, "activation": "h_swish"},
        {"width": 16, "stride": 2, "activation": "relu", "squeeze_excite": True},
    ],
}
TABLES = {
    "operator_training_history": TRAINING_HISTORY,
    "operator_metrics": schemas.OPERATOR_METRICS,
    "operator_importance": schemas.OPERATOR_IMPORTANCE,
    "operator_subgraphs": schemas.OPERATOR_SUBGRAPHS,
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What the pipeline saves for a dozen of 20 architectures of a small space."""
    space = SearchSpace.from_mapping("small", SPACE)
    array = space.sample(20, np.random.default_rng(0))
    depth = (array.layers >= 0).sum(axis=1).astype(float)
    given = {
        "search_space": space,
        "architectures": to_table(space, array, {"acc": 0.7 + 0.01 * depth, "latency_cpu_ms": depth}),
        "params:network": NETWORK,
        "params:targets": {"acc": "acc", "quick": "-latency_cpu_ms"},
        "params:ir_insight": SETTINGS,
        "params:label_kind": "measured",
        "params:seed": 1,
    }
    pipeline, folder = create_pipeline(SpaceOutline(network=True)), tmp_path_factory.mktemp("ir")
    files: dict[str, Any] = {
        "operator_graphs": TensorsDataset(filepath=folder / "graphs.safetensors"),
        "operator_predictor": OperatorPredictorsDataset(filepath=folder / "models" / "predictors.json"),
    }
    for name in pipeline.all_outputs() - set(files):
        kind = JSONDataset if name.endswith("_figure") else TableDataset
        files[name] = kind(filepath=str(folder / name))
    memory = {name: MemoryDataset(value, copy_mode="assign") for name, value in given.items()}
    catalog = DataCatalog({**files, **memory})
    SequentialRunner().run(pipeline, catalog)
    return {name: catalog.load(name) for name in files}


def test_graphs_are_those_of_the_drawn_architectures(results: Results) -> None:
    graphs = unpack(results["operator_graphs"])
    assert len(graphs) == len(results["operator_sample"]) == SETTINGS["count"]
    nodes = [len(graph) for graph in graphs]
    assert np.corrcoef(nodes, results["operator_sample"]["latency_cpu_ms"])[0, 1] > 0.9


def test_tables_fit_their_schemas(results: Results) -> None:
    for name, schema in TABLES.items():
        schema.validate(results[name])


def test_every_target_has_predictors_metrics_of_every_hop_and_ranked_subgraphs(results: Results) -> None:
    assert results["operator_predictor"].targets == ("acc", "quick")
    metrics = results["operator_metrics"]
    assert {f"spearman_hop_{hop}" for hop in range(3)} <= set(metrics["metric"])
    pairs = results["operator_subgraphs"][["target", "hop"]].drop_duplicates()
    assert pairs.values.tolist() == [[target, hop] for target in ("acc", "quick") for hop in range(3)]
    assert set(results["operator_subgraphs"]["architecture_id"]) <= set(results["operator_sample"]["architecture_id"])


def test_subgraphs_are_drawn_with_the_parts_of_the_network(results: Results) -> None:
    figure = results["operator_subgraphs_figure"]
    assert "measured labels" in figure.layout.title.text
    assert any(str(trace.name).startswith("unit") for trace in figure.data)
    assert {"operator_training_figure", "operator_spearman_figure", "operator_importance_figure"} <= set(results)


def test_a_space_without_a_network_has_no_such_pipeline() -> None:
    assert not create_pipeline(SpaceOutline()).nodes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 3}, "ir_insight: count: Input should be greater than or equal to 10"),
        ({"hops": 3}, "ir_insight: hops: unknown key"),
        ({"held_out": 1.0}, "ir_insight: held_out: Input should be less than 1"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InsightSettings.of(settings)


def test_the_committed_settings_are_the_defaults() -> None:
    committed = yaml.safe_load((CONF / "parameters" / "common.yml").read_text())["ir_insight"]
    assert InsightSettings.of(committed) == InsightSettings()
