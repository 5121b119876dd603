"""The additive term: what layers contribute on their own, whatever stands around them."""

from __future__ import annotations

import numpy as np
import torch

from autobuild_pipelines.graphs import Vocabulary, sequence_graphs
from autobuild_pipelines.predictors import ModelSettings, train
from autobuild_pipelines.predictors.additive import AdditiveTerm
from autobuild_pipelines.predictors.training_settings import TrainingSettings
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace


def test_it_is_a_sum_over_layers_and_graph_level_values(ofa_mbv3: SearchSpace) -> None:
    vocabulary = Vocabulary(ofa_mbv3)
    features = torch.from_numpy(vocabulary.features)
    term = AdditiveTerm(vocabulary.schema, members=2)
    for parameter in term.parameters():
        torch.nn.init.normal_(parameter)
    array = ofa_mbv3.sample(20, np.random.default_rng(0))
    found = term(features, sequence_graphs(ofa_mbv3, array, vocabulary))
    words, values = term.words(features), term.of_graph(features)
    for row, (layers, graph) in enumerate(zip(array.layers, array.graph, strict=True)):
        slots = np.flatnonzero(layers != ABSENT)
        nodes = vocabulary.words(slots, layers[slots], np.tile(graph, (len(slots), 1)))
        torch.testing.assert_close(found[:, row], words[:, nodes].sum(1) + values[:, nodes[0]])


def test_a_resolution_moves_all_architectures_alike(ofa_mbv3: SearchSpace) -> None:
    vocabulary = Vocabulary(ofa_mbv3)
    term = AdditiveTerm(vocabulary.schema, members=1)
    for parameter in term.parameters():
        torch.nn.init.normal_(parameter)
    array = ofa_mbv3.sample(20, np.random.default_rng(0))
    features = torch.from_numpy(vocabulary.features)
    small, large = (
        term(features, sequence_graphs(ofa_mbv3, ArchitectureArray(array.layers, np.full_like(array.graph, code))))
        for code in (0, 2)
    )
    torch.testing.assert_close(large - small, (large - small)[:, :1].expand_as(large))


def test_it_learns_what_is_a_sum_over_layers(ofa_mbv3: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    array = ofa_mbv3.sample(300, rng, law="depths")
    worth = rng.normal(size=(ofa_mbv3.slots, len(ofa_mbv3.vocabulary) + 1))
    worth[:, ABSENT] = 0.0
    y = worth[np.arange(ofa_mbv3.slots), array.layers].sum(axis=1)
    training = TrainingSettings(epochs=40, batch_size=32, learning_rate=1e-2, ranking_weight=0.1)
    errors = []
    for additive in (False, True):
        model = ModelSettings(lift=16, layers=2, additive=additive)
        predictors, _ = train(
            ofa_mbv3, array.take(np.arange(200)), {"y": y[:200]}, model=model, training=training, progress=False
        )
        errors.append(np.abs(predictors.predict(array.take(np.arange(200, 300)))[0] - y[200:]).mean())
    assert errors[1] < 0.8 * errors[0]
