"""Predictors of operator graphs: what they compute, that they learn, and how they are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from autobuild_pipelines.graphs.operator_arrays import pack
from autobuild_pipelines.graphs.operator_batch import OperatorBatch
from autobuild_pipelines.graphs.operator_graph import OperatorGraph
from autobuild_pipelines.predictors import ModelSettings, PredictorError, TrainingSettings
from autobuild_pipelines.predictors.model import ACTIVATIONS, GraphPredictor
from autobuild_pipelines.predictors.operator_cards import from_files, to_files
from autobuild_pipelines.predictors.operator_metrics import operator_metrics
from autobuild_pipelines.predictors.operator_pass import class_embeddings
from autobuild_pipelines.predictors.operator_predictors import PART, OperatorPredictors, run
from autobuild_pipelines.predictors.operator_training import train_on_operators

Make = Callable[..., OperatorGraph]
FAST = TrainingSettings(epochs=3, batch_size=16, learning_rate=3e-3, schedule="cosine", ranking_weight=0.5)
SMALL = ModelSettings(hidden=8, layers=2, lift=8, embedding=8)
NORMED = replace(SMALL, head_norm=True)


def drawn(make: Make, count: int, seed: int = 0) -> tuple[list[OperatorGraph], np.ndarray[Any, Any]]:
    """Graphs of 2 to 4 blocks, and how wide their blocks are on average."""
    rng = np.random.default_rng(seed)
    blocks = [rng.choice([3, 4, 6], size=rng.integers(2, 5)).tolist() for _ in range(count)]
    return [make(expansions) for expansions in blocks], np.asarray([float(np.mean(b)) for b in blocks])


def trained(make: Make, **settings: Any) -> tuple[OperatorPredictors, pd.DataFrame, OperatorBatch]:
    graphs, y = drawn(make, 40)
    batch = OperatorBatch.of(graphs)
    given = {"model": SMALL, "training": FAST, "progress": False, **settings}
    return *train_on_operators(batch, {"y": y, "less": -y}, **given), batch


def node_by_node(network: GraphPredictor, batch: OperatorBatch) -> list[torch.Tensor]:
    """The same network on every node and edge, with torch's own batch norm over nodes in training mode."""
    features = torch.from_numpy(batch.features)
    target = np.repeat(np.arange(len(batch.words)), np.diff(batch.in_offsets))
    edges = torch.from_numpy(np.stack([batch.sources, target]))
    hidden = [network.fe_mlp(features)[:, torch.from_numpy(batch.words)]]
    received = network.receive(0, hidden[0])
    for hop, norm in enumerate(network.batch_norms()):
        out = ACTIVATIONS["ReLU"](norm(network.layer(hop).on_graph(received, edges)))
        received = out if hop == 0 else out + received
        hidden.append(received)
    return hidden


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layer", ["GATv2Conv", "GraphConv"])
def test_a_class_has_the_embedding_that_message_passing_gives_each_of_its_nodes(
    residual_graph: Make, layer: str, training: bool
) -> None:
    batch = OperatorBatch.of(drawn(residual_graph, 5)[0])
    torch.manual_seed(0)
    settings = ModelSettings(layer=layer, hidden=8, layers=3, lift=8, embedding=8)
    network = GraphPredictor(batch.schema, settings, 2).train(training)
    classes = batch.classes(batch.hashes(3))
    with torch.no_grad():
        once = class_embeddings(network, torch.from_numpy(batch.features), classes)
        each = node_by_node(network, batch)
    for hop, level in enumerate(classes):
        torch.testing.assert_close(once[hop][:, level.of_nodes], each[hop], rtol=1e-4, atol=1e-5)


def test_the_same_seed_gives_the_same_predictors(residual_graph: Make) -> None:
    first, history, batch = trained(residual_graph, seed=3)
    second, again, _ = trained(residual_graph, seed=3)
    np.testing.assert_array_equal(first.predict(batch), second.predict(batch))
    pd.testing.assert_frame_equal(history, again)
    other, _, _ = trained(residual_graph, seed=4)
    assert not np.array_equal(first.predict(batch), other.predict(batch))


def test_predictions_and_norms_of_every_hop_rank_graphs_that_were_held_out(residual_graph: Make) -> None:
    graphs, y = drawn(residual_graph, 100)
    batch = OperatorBatch.of(graphs)
    parts = {"train": np.arange(80), "held_out": np.arange(80, 100)}
    split = {name: (batch.take(rows), {"y": y[rows]}) for name, rows in parts.items()}
    settings = TrainingSettings(epochs=40, batch_size=16, learning_rate=3e-3, schedule="cosine", ranking_weight=0.5)
    found, history = train_on_operators(
        *split["train"], held_out=split["held_out"], model=SMALL, training=settings, seed=1, progress=False
    )
    metrics = operator_metrics(found, split).set_index(["model", "split", "metric"])["value"]
    assert metrics["autobuild", "held_out", "spearman"] > 0.9
    assert all(metrics["autobuild", "held_out", f"spearman_hop_{hop}"] > 0.7 for hop in range(3))
    assert metrics["ridge", "held_out", "spearman"] > 0.9
    # What the history says of the last epoch is what the metrics say.
    assert history["held_out_spearman"].iloc[-1] == pytest.approx(metrics["autobuild", "held_out", "spearman"])


def test_scores_of_nodes_are_standardised_over_the_training_graphs(residual_graph: Make) -> None:
    found, _, batch = trained(residual_graph, ensemble=2)
    assert found.model.members == 4
    scores = found.node_scores(batch)
    assert scores.shape == (2, 3, len(batch.words))
    np.testing.assert_allclose(scores.mean(-1), 0, atol=1e-3)
    members = found.node_norms(batch)
    np.testing.assert_allclose(members.mean(-1), found.hop_mean, rtol=1e-4)
    np.testing.assert_allclose(members.std(-1), found.hop_std, rtol=1e-3)


def test_networks_of_widths_that_training_never_saw_can_be_read(residual_graph: Make) -> None:
    found, _, _ = trained(residual_graph)
    wider = [residual_graph([5, 6], width=24), residual_graph([3])]
    both = found.predict(found.read(pack(wider)))
    assert np.isfinite(both).all()
    np.testing.assert_allclose(both[:, 1:], found.predict(found.read(pack(wider[1:]))), rtol=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_every_head_learns_whatever_the_seed_where_graph_embeddings_are_normalised(
    residual_graph: Make, seed: int
) -> None:
    graphs, y = drawn(residual_graph, 60)
    batch = OperatorBatch.of(graphs)
    # Without batch norm before the head, 6 of these 12 heads stay below 0.6.
    model = replace(NORMED, hidden=16, layers=3)
    labels = {"y": y, "less": -y}
    found, _ = train_on_operators(
        batch, labels, model=model, training=replace(FAST, epochs=8), seed=seed, progress=False
    )
    for predicted, label in zip(found.predict(batch), labels.values(), strict=True):
        assert spearmanr(predicted, label).statistic > 0.8


def test_a_trained_head_normalises_by_the_training_graphs_not_by_what_is_predicted_with(residual_graph: Make) -> None:
    # One graph more than are passed through at a time: batch norm has no moments of the last, which stands alone.
    batch = OperatorBatch.of(drawn(residual_graph, PART + 1)[0])
    labels = {"y": batch.lengths + np.arange(len(batch)) / 100}
    found, _ = train_on_operators(batch, labels, model=NORMED, training=replace(FAST, epochs=1), progress=False)
    norm = found.model.head_norm
    assert norm is not None
    embeddings = torch.cat([of_hops[-1] for _, of_hops, _, _ in run(found.model, batch)], dim=1)
    torch.testing.assert_close(norm.running_mean, embeddings.mean(1), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(norm.running_var, embeddings.var(1, unbiased=False), rtol=1e-4, atol=1e-6)
    together = found.predict(batch)
    for row in (0, 7, PART):
        np.testing.assert_allclose(found.predict(batch.take(np.asarray([row]))), together[:, [row]], rtol=1e-4)


def test_the_card_says_whether_the_head_normalises(residual_graph: Make) -> None:
    files = to_files(trained(residual_graph, model=NORMED)[0])
    assert json.loads(files["predictors.json"])["model"]["head_norm"] is True
    # Cards of before the setting have none, and are of predictors without.
    plain, _, batch = trained(residual_graph)
    files = to_files(plain)
    index = json.loads(files["predictors.json"])
    assert index["model"].pop("head_norm") is False
    older = from_files({**files, "predictors.json": json.dumps(index).encode()})
    np.testing.assert_array_equal(older.predict(batch), plain.predict(batch))


@pytest.mark.parametrize("model", [SMALL, NORMED])
def test_saving_and_loading_is_the_identity(residual_graph: Make, model: ModelSettings) -> None:
    found, _, batch = trained(residual_graph, name="mine", equations={"y": "a + b"}, ensemble=2, model=model)
    files = to_files(found)
    assert sorted(files) == ["less.json", "less.safetensors", "predictors.json", "y.json", "y.safetensors"]
    again = from_files(files)
    assert (again.name, again.targets) == ("mine", ("y", "less"))
    assert again.equations == {"y": "a + b", "less": "less"}
    np.testing.assert_array_equal(again.predict(batch), found.predict(batch))
    np.testing.assert_array_equal(again.node_scores(batch), found.node_scores(batch))
    assert to_files(again)["y.safetensors"] == files["y.safetensors"]


def test_weights_that_are_not_the_cards_are_refused(residual_graph: Make) -> None:
    files = to_files(trained(residual_graph)[0])
    swapped = {**files, "y.safetensors": files["less.safetensors"]}
    with pytest.raises(PredictorError, match=r"y\.safetensors: missing, or not the weights that y\.json describes"):
        from_files(swapped)
    with pytest.raises(PredictorError, match=r"less\.json is missing"):
        from_files({name: content for name, content in files.items() if name != "less.json"})


def test_what_has_no_meaning_for_operator_graphs_is_refused(residual_graph: Make) -> None:
    with pytest.raises(PredictorError, match=r"model\.additive: .* set it to false"):
        trained(residual_graph, model=ModelSettings(additive=True))
    with pytest.raises(PredictorError, match=r"training\.validation"):
        trained(residual_graph, training=TrainingSettings(validation=0.1))
    with pytest.raises(PredictorError, match=r"training\.batch_size: 1 leaves one of 40 graphs alone in a batch"):
        trained(residual_graph, model=NORMED, training=TrainingSettings(batch_size=1))
    graphs, y = drawn(residual_graph, 5)
    with pytest.raises(PredictorError, match=r"targets \['flat'\] are the same for all training graphs"):
        train_on_operators(OperatorBatch.of(graphs), {"flat": 0 * y}, progress=False)


def test_both_targets_of_a_stack_learn(residual_graph: Make) -> None:
    settings = TrainingSettings(epochs=30, batch_size=16, learning_rate=3e-3, schedule="cosine", ranking_weight=0.5)
    found, _, batch = trained(residual_graph, training=settings)
    y, less = found.predict(batch)
    assert spearmanr(y, less).statistic < -0.8
