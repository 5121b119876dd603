"""Subgraphs of operator graphs, ranked."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.graphs.operator_arrays import pack
from autobuild_pipelines.graphs.operator_batch import OperatorBatch
from autobuild_pipelines.graphs.operator_graph import OperatorGraph
from autobuild_pipelines.predictors import ModelSettings, TrainingSettings
from autobuild_pipelines.predictors.operator_predictors import OperatorPredictors
from autobuild_pipelines.predictors.operator_training import train_on_operators
from autobuild_pipelines.scoring.operator_subgraphs import rank_subgraphs, subgraph_hashes

Make = Callable[..., OperatorGraph]
Ranked = tuple[pd.DataFrame, OperatorPredictors, list[OperatorGraph], np.ndarray]


@pytest.fixture(scope="module")
def ranked(residual_graph: Make) -> Callable[[int], Ranked]:
    """Subgraphs of 80 graphs whose label is how wide their blocks are on average."""

    @cache
    def of(min_architectures: int) -> Ranked:
        rng = np.random.default_rng(0)
        blocks = [rng.choice([3, 4, 6], size=3).tolist() for _ in range(80)]
        graphs, y = [residual_graph(e) for e in blocks], np.asarray([float(np.mean(e)) for e in blocks])
        settings = TrainingSettings(epochs=30, batch_size=16, learning_rate=3e-3, schedule="cosine", ranking_weight=0.5)
        found, _ = train_on_operators(
            OperatorBatch.of(graphs),
            {"y": y},
            model=ModelSettings(hidden=8, layers=2, lift=8),
            training=settings,
            progress=False,
        )
        ids = [f"{i:016x}" for i in range(len(graphs))]
        return rank_subgraphs(found, pack(graphs), ids, {"y": y}, min_architectures=min_architectures), found, graphs, y

    return of


def test_wide_convolutions_rank_above_narrow_ones_where_width_is_what_counts(ranked: Callable[[int], Ranked]) -> None:
    table = ranked(1)[0]
    wide = table[(table["hop"] == 1) & (table["operation"] == "relu")].set_index("in_channels")["score"]
    assert wide[96] > wide[64] > wide[48]


def test_a_row_counts_its_nodes_and_architectures_and_compares_their_labels(ranked: Callable[[int], Ranked]) -> None:
    table, _, graphs, y = ranked(1)
    level = subgraph_hashes(pack(graphs), 2)[1]
    graph = np.repeat(np.arange(len(graphs)), [len(g) for g in graphs])
    for row in table[table["hop"] == 1].to_dict("records"):
        nodes = level == int(row["subgraph"], 16)
        inside = np.isin(np.arange(len(graphs)), graph[nodes])
        assert (row["nodes"], row["architectures"]) == (nodes.sum(), inside.sum())
        expected = y[inside].mean() - y[~inside].mean() if not inside.all() else np.nan
        np.testing.assert_allclose(row["label_difference"], expected)


def test_the_example_is_an_occurrence(ranked: Callable[[int], Ranked]) -> None:
    table, _, graphs, _ = ranked(1)
    for row in table.to_dict("records"):
        graph = graphs[int(row["architecture_id"], 16)]
        assert graph.operations[row["node"]] == row["operation"]
        assert graph.parts[row["node"]] == row["part"]
        shapes = graph.in_shapes[row["node"], 0], graph.out_shapes[row["node"], 0]
        assert shapes == (row["in_channels"], row["out_channels"])
        of_its_own = subgraph_hashes(pack([graph]), 2)[row["hop"], row["node"]]
        assert f"{of_its_own:016x}" == row["subgraph"]


def test_scores_are_means_over_occurrences_and_ranks_follow_them(ranked: Callable[[int], Ranked]) -> None:
    table, found, graphs, _ = ranked(1)
    packed = pack(graphs)
    scores, hashes = found.node_scores(found.read(packed))[0], subgraph_hashes(packed, 2)
    for row in table.to_dict("records"):
        own = scores[row["hop"]][hashes[row["hop"]] == int(row["subgraph"], 16)]
        np.testing.assert_allclose([row["score"], row["score_std"]], [own.mean(), own.std()], atol=1e-5)
    for _, rows in table.groupby("hop"):
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
        assert rows["score"].is_monotonic_decreasing


def test_subgraphs_of_few_architectures_are_left_out(ranked: Callable[[int], Ranked]) -> None:
    everything, fewer = ranked(1)[0], ranked(30)[0]
    assert (fewer["architectures"] >= 30).all()
    kept = everything[everything["architectures"] >= 30]
    assert sorted(fewer["subgraph"]) == sorted(kept["subgraph"])


def test_the_size_of_images_makes_no_other_subgraph(residual_graph: Make) -> None:
    small, large = residual_graph([3, 6], size=8), residual_graph([3, 6], size=16)
    np.testing.assert_array_equal(subgraph_hashes(pack([small]), 3), subgraph_hashes(pack([large]), 3))
