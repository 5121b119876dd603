"""Passes on distinct windows: the same predictions, embeddings and gradients as on every node."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from autobuild_pipelines.graphs import (
    FeatureSchema,
    SequenceGraphs,
    Vocabulary,
    hop_windows,
    node_windows,
    sequence_graphs,
)
from autobuild_pipelines.predictors import GraphPredictor, ModelSettings, TrainingSettings, train
from autobuild_pipelines.predictors.distinct_pass import distinct_pass
from autobuild_pipelines.predictors.fitting import Fit
from autobuild_pipelines.predictors.window_pass import window_pass
from autobuild_pipelines.spaces import SearchSpace

GNN = ModelSettings("GraphConv", 16, 4, aggregation="sum", activation="LeakyReLU", head_activation="LeakyReLU")
RESIDUAL = ModelSettings(hidden=8, aggregation="sum", activation="LeakyReLU", residual=True)


def network_and_graphs(
    space: SearchSpace, settings: ModelSettings
) -> tuple[GraphPredictor, torch.Tensor, SequenceGraphs]:
    """Two predictors in training mode and in 64 bits, features of words, and 30 random graphs."""
    torch.manual_seed(0)
    network = GraphPredictor(FeatureSchema.of(space), settings, members=2).double().train()
    graphs = sequence_graphs(space, space.sample(30, np.random.default_rng(0)))
    return network, torch.from_numpy(Vocabulary(space).features), graphs


@pytest.mark.parametrize("settings", [ModelSettings(layers=6), GNN, ModelSettings(lift=8, additive=True), RESIDUAL])
@pytest.mark.parametrize("name", ["sd_fid", "ofa_pn"])
def test_predictions_embeddings_and_gradients_are_those_of_every_node(
    settings: ModelSettings, name: str, request: pytest.FixtureRequest
) -> None:
    network, features, graphs = network_and_graphs(request.getfixturevalue(name), settings)
    with torch.no_grad():
        for parameter in network.parameters():  # none of them at a start that hides a term
            parameter.add_(torch.randn_like(parameter) * 0.1)
    windows = [  # in 64 bits
        replace(
            level,
            linked=level.linked.double(),
            counts=level.counts.double(),
            share=level.counts.double().sum(0) / len(graphs.nodes),
        )
        for level in hop_windows(features, graphs, network.hops)
    ]
    found, passed = [], []
    for predicted, embeddings in (network(features, graphs), window_pass(network, features, graphs, windows)):
        found.append([predicted, *embeddings])
        generator = torch.Generator().manual_seed(1)
        network.zero_grad()
        sum(
            (term * torch.randn(term.shape, generator=generator, dtype=term.dtype)).sum() for term in found[-1]
        ).backward()
        passed.append({key: value.grad for key, value in network.named_parameters() if value.grad is not None})
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
    for key, gradient in passed[0].items():
        # A bias before batch norm has no gradient but rounding errors.
        torch.testing.assert_close(passed[1].get(key, torch.zeros_like(gradient)), gradient, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("settings", [ModelSettings(), GNN, ModelSettings(lift=8, additive=True), RESIDUAL])
@pytest.mark.parametrize("name", ["sd_fid", "ofa_pn"])
def test_trained_predictors_say_of_distinct_windows_what_they_say_of_every_node(
    settings: ModelSettings, name: str, request: pytest.FixtureRequest
) -> None:
    network, features, graphs = network_and_graphs(request.getfixturevalue(name), settings)
    with torch.no_grad():
        for _ in range(3):  # running moments of their own
            network(features, graphs)
        network.eval()
        predicted, embeddings = network(features, graphs)
        again, every = distinct_pass(network, features, graphs)
        last, one = distinct_pass(network, features, graphs, every_hop=False)
    for found in (again, last):
        torch.testing.assert_close(found, predicted)
    torch.testing.assert_close(every, embeddings)
    torch.testing.assert_close(one, embeddings[-1:])


def test_windows_are_as_many_as_there_are_different_ends_of_chains(sd_fid: SearchSpace) -> None:
    features = torch.from_numpy(Vocabulary(sd_fid).features)
    graphs = sequence_graphs(sd_fid, sd_fid.sample(12, np.random.default_rng(3)))
    kinds = [tuple(row) for row in features[graphs.nodes].tolist()]
    bounds = list(zip(graphs.pointer[:-1].tolist(), graphs.pointer[1:].tolist(), strict=True))
    for hop, level in enumerate(hop_windows(features, graphs, 6)):
        seen = [
            tuple(kinds[max(start, node - hop) : node + 1]) for start, stop in bounds for node in range(start, stop)
        ]
        assert len(level.own) == len(set(seen))
        assert float(level.share.sum()) == pytest.approx(1)
        np.testing.assert_array_equal(level.counts.sum(1), graphs.lengths)


def test_windows_of_nodes_are_told_apart_by_their_words(ofa_mbv3: SearchSpace) -> None:
    graphs = sequence_graphs(ofa_mbv3, ofa_mbv3.sample(40, np.random.default_rng(3)))
    words = graphs.nodes.tolist()
    bounds = list(zip(graphs.pointer[:-1].tolist(), graphs.pointer[1:].tolist(), strict=True))
    for hop, level in enumerate(node_windows(graphs, 4)):
        seen = [
            tuple(words[max(start, node - hop) : node + 1]) for start, stop in bounds for node in range(start, stop)
        ]
        assert dict(zip(seen, level.of_nodes.tolist(), strict=True)) == {
            window: number for number, window in enumerate(dict.fromkeys(seen))
        }
        assert int(level.linked.sum()) == sum(len(window) > 1 for window in set(seen)) or not hop


def test_batch_gradient_descent_learns_what_steps_on_every_node_do(
    sd_hardware: SearchSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = sd_hardware.sample(25, np.random.default_rng(0))
    y = np.random.default_rng(1).normal(size=25)
    settings = TrainingSettings(epochs=5, batch_size=25, learning_rate=1e-3, device="cpu")

    def described() -> tuple[np.ndarray, np.ndarray]:
        trained, _ = train(sd_hardware, array, {"y": y}, training=settings, ensemble=3, members="folds", progress=False)
        return trained.describe(array)

    on_windows = described()
    monkeypatch.setattr(Fit, "one_batch", property(lambda _: False))
    for found, expected in zip(on_windows, described(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
