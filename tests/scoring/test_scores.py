"""Module scores: shared computation gives what the predictor says of each module and network on its own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from tests.scoring.untrained import GNN, LIFTED, RESIDUAL, untrained

from autobuild_pipelines.graphs import SequenceGraphs, Vocabulary
from autobuild_pipelines.predictors import ModelSettings, TrainedPredictors
from autobuild_pipelines.scoring import (
    ScoringError,
    contexts_with,
    contextual_scores,
    eq5_scores,
    label_statistics,
    root_norms,
    score_modules,
)
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, module_depths

UNIFORM = {
    "layer_features": {"kernel": {"choices": [3, 5]}, "se": {"choices": [0, 1]}},
    "units": [{"name": "a", "layers": [1, 2]}, {"name": "b", "layers": [1, 2, 3]}, {"name": "c", "layers": [1, 2]}],
    "constraints": {"equal_within_unit": {}},
}


@pytest.mark.parametrize("settings", [ModelSettings(), GNN, ModelSettings(layers=6), LIFTED, RESIDUAL])
def test_contextual_scores_are_mean_predictions_with_the_unit_replaced(
    ofa_pn: SearchSpace, settings: ModelSettings
) -> None:
    predictors = untrained(ofa_pn, settings)
    rng = np.random.default_rng(0)
    contexts = ofa_pn.sample(5, rng, law="depths")
    for unit in ofa_pn.ranking_units:
        modules = unit.module_array()[rng.permutation(unit.count())[:40]]
        scores = contextual_scores(predictors, unit, modules, contexts)
        for module, score in zip(modules, scores[:, 0].T, strict=True):
            layers = contexts.layers.copy()
            layers[:, unit.columns] = module
            expected = predictors.predict(ArchitectureArray(layers, contexts.graph)).mean(axis=1)
            np.testing.assert_allclose(score, expected, rtol=1e-4)


def test_contextual_scores_hold_for_spaces_with_constraints_and_short_ends() -> None:
    space = SearchSpace.from_mapping("uniform", UNIFORM)
    predictors = untrained(space)
    contexts = space.sample(4, np.random.default_rng(1))
    for unit in space.ranking_units:
        modules = unit.module_array()
        scores = contextual_scores(predictors, unit, modules, contexts)
        for module, score in zip(modules, scores[:, 0].T, strict=True):
            layers = contexts.layers.copy()
            layers[:, unit.columns] = module
            expected = predictors.predict(ArchitectureArray(layers, contexts.graph)).mean(axis=1)
            np.testing.assert_allclose(score, expected, rtol=1e-4)


def test_modules_of_patterns_are_scored_as_the_predictor_sees_them(sd_hardware: SearchSpace) -> None:
    predictors = untrained(sd_hardware, ModelSettings(layers=6))  # output stages have up to seven layers (§7.9)
    vocabulary = Vocabulary(sd_hardware)
    features = torch.from_numpy(vocabulary.features)
    contexts = sd_hardware.sample(3, np.random.default_rng(2))
    for unit in (sd_hardware.ranking_units[2], sd_hardware.ranking_units[4]):
        modules = unit.module_array()
        scores = contextual_scores(predictors, unit, modules, contexts)[:, 0].T
        norms = root_norms(predictors, unit, modules)[:, 0].T
        for module, score, norm in zip(modules, scores, norms, strict=True):
            part = int(unit.part_of(module[None])[0])
            networks = contexts_with(sd_hardware, unit, part, contexts)
            networks.layers[:, unit.columns] = module
            assert sd_hardware.contains(networks).all()
            np.testing.assert_allclose(score, predictors.predict(networks).mean(axis=1), rtol=1e-4)
            codes = module[module >= 0]
            words = vocabulary.words(
                unit.start + np.arange(len(codes)), codes, np.empty((len(codes), 0), dtype=np.int64)
            )
            alone = SequenceGraphs(torch.from_numpy(words), torch.tensor([0, len(codes)]))
            with torch.inference_mode():
                hops = predictors.model.node_embeddings(features, alone)
            np.testing.assert_allclose(norm, hops[len(codes) - 1][:, -1].abs().sum(-1), rtol=1e-4)


def test_contextual_scores_do_not_depend_on_how_work_is_cut(
    ofa_mbv3: SearchSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictors = untrained(ofa_mbv3)
    unit = ofa_mbv3.ranking_units[1]
    contexts = ofa_mbv3.sample(6, np.random.default_rng(0))
    modules = unit.module_array()[:300]
    whole = contextual_scores(predictors, unit, modules, contexts)
    monkeypatch.setattr("autobuild_pipelines.scoring.contextual.ROWS_AT_ONCE", 1)
    np.testing.assert_allclose(contextual_scores(predictors, unit, modules, contexts), whole, rtol=1e-5)


def test_permuted_modules_get_permuted_scores(ofa_mbv3: SearchSpace) -> None:
    predictors = untrained(ofa_mbv3)
    unit = ofa_mbv3.ranking_units[2]
    modules = unit.module_array()
    order = np.random.default_rng(0).permutation(len(modules))
    np.testing.assert_allclose(
        root_norms(predictors, unit, modules[order]), root_norms(predictors, unit, modules)[..., order], rtol=1e-6
    )


@pytest.mark.parametrize("settings", [ModelSettings(), GNN, LIFTED, RESIDUAL])
def test_root_norms_are_those_of_each_module_fed_alone(ofa_pn: SearchSpace, settings: ModelSettings) -> None:
    predictors = untrained(ofa_pn, settings)
    vocabulary = Vocabulary(ofa_pn)
    features = torch.from_numpy(vocabulary.features)
    context = ofa_pn.graph_code({"resolution": 208})
    for unit in ofa_pn.ranking_units:
        modules = unit.module_array()[np.random.default_rng(0).permutation(unit.count())[:25]]
        norms = root_norms(predictors, unit, modules, graph={"resolution": 208})
        for module, norm in zip(modules, norms[:, 0].T, strict=True):
            slots = np.flatnonzero(module >= 0)
            words = vocabulary.words(unit.start + slots, module[slots], np.tile(context, (len(slots), 1)))
            alone = SequenceGraphs(torch.from_numpy(words), torch.tensor([0, len(slots)]))
            with torch.inference_mode():
                hops = predictors.model.node_embeddings(features, alone)
            np.testing.assert_allclose(norm, hops[len(slots) - 1][:, -1].abs().sum(-1).numpy(), rtol=1e-4)


def test_eq5_shifts_and_scales_norms_to_the_label_statistics(ofa_mbv3: SearchSpace) -> None:
    predictors = untrained(ofa_mbv3)
    unit = ofa_mbv3.ranking_units[0]
    modules = unit.module_array()[[0, 100, 5000]]
    rows = [(t, 1, d, 10 * d, 0.5, 100) for t in ("a", "b") for d in (2, 3, 4)]
    statistics = pd.DataFrame(rows, columns=["target", "unit", "layers", "mean", "std", "count"])
    norms = root_norms(predictors, unit, modules)[:, 0]
    depths = module_depths(modules)
    z = (norms - predictors.hop_mean[:, depths - 1]) / predictors.hop_std[:, depths - 1]
    np.testing.assert_allclose(eq5_scores(predictors, unit, modules, statistics)[:, 0], 10 * depths + 0.5 * z)


def test_an_ensembles_scores_and_predictions_are_its_members_means(ofa_pn: SearchSpace) -> None:
    pair = untrained(ofa_pn)
    # The same two networks, once as predictors of two targets and once as an ensemble of two for one target.
    ensemble = TrainedPredictors(
        ofa_pn, ("a",), {}, pair.model, pair.label_mean[:1], pair.label_std[:1], pair.hop_mean, pair.hop_std
    )
    alone = dataclasses.replace(pair, label_mean=pair.label_mean[[0, 0]], label_std=pair.label_std[[0, 0]])
    contexts = ofa_pn.sample(3, np.random.default_rng(0), law="depths")
    np.testing.assert_allclose(ensemble.predict(contexts)[0], alone.predict(contexts).mean(axis=0))
    unit = ofa_pn.ranking_units[4]
    modules = unit.module_array()[::500]
    rows = [(t, 5, d, 10 * d, 0.5, 100) for t in ("a", "b") for d in (3, 4, 5)]
    statistics = pd.DataFrame(rows, columns=["target", "unit", "layers", "mean", "std", "count"])
    for score in (
        lambda p: eq5_scores(p, unit, modules, statistics),
        lambda p: contextual_scores(p, unit, modules, contexts),
    ):
        np.testing.assert_allclose(score(ensemble).mean(axis=1)[0], score(alone)[:, 0].mean(axis=0), rtol=1e-5)


def test_a_thin_cell_is_an_error_that_names_it_and_its_count(ofa_mbv3: SearchSpace) -> None:
    predictors = untrained(ofa_mbv3)
    array = ofa_mbv3.sample(30, np.random.default_rng(0))  # uniform over modules: hardly any of two layers
    statistics = label_statistics(ofa_mbv3, array, {"a": np.arange(30.0), "b": np.arange(30.0)})
    with pytest.raises(
        ScoringError, match=r"unit 1 \(stage1\) with 2 layers has \d+ labelled architectures for target 'a'"
    ):
        score_modules(
            predictors, methods=["eq5"], label_statistics=statistics, contexts=array.take(slice(2)), progress=False
        )


def test_modules_deeper_than_the_predictor_sees_are_refused(ofa_pn: SearchSpace) -> None:
    with pytest.raises(
        ScoringError, match="modules of 5 layers; a predictor of 2 message-passing layers sees at most 3"
    ):
        root_norms(
            untrained(ofa_pn, ModelSettings(layers=2)),
            ofa_pn.ranking_units[-1],
            ofa_pn.ranking_units[-1].module_array(),
        )


def test_label_statistics_are_moments_of_the_architectures_in_each_cell(ofa_pn: SearchSpace) -> None:
    array = ofa_pn.sample(200, np.random.default_rng(0), law="depths")
    y = np.random.default_rng(1).normal(size=200)
    table = label_statistics(ofa_pn, array, {"y": y}).set_index(["unit", "layers"])
    unit = ofa_pn.ranking_units[-1]
    inside = y[module_depths(array.layers[:, unit.columns]) == 4]
    assert table.loc[(5, 4), "mean"] == pytest.approx(inside.mean())
    assert table.loc[(5, 4), "count"] == len(inside)
    assert table["count"].sum() == 200 * 5


def test_the_score_table_ranks_within_unit_target_and_method() -> None:
    space = SearchSpace.from_mapping("uniform", UNIFORM)
    predictors = untrained(space)
    array = space.sample(400, np.random.default_rng(0), law="depths")
    statistics = label_statistics(space, array, {t: np.arange(400.0) for t in ("a", "b")})
    table = score_modules(
        predictors,
        methods=["eq5", "contextual"],
        label_statistics=statistics,
        contexts=array.take(slice(3)),
        progress=False,
    )
    assert len(table) == space.module_count * 2 * 2
    for _, group in table.groupby(["unit", "target", "method"]):
        best_first = group.sort_values("rank")
        assert list(best_first["rank"]) == list(range(1, len(group) + 1))
        assert best_first["score"].is_monotonic_decreasing
