"""Scores from few labels: norms of modules fed alone, normalised within their unit or number of layers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.scoring.untrained import untrained

from autobuild_pipelines.predictors import ModelSettings
from autobuild_pipelines.scoring import METHODS, ScoringError, embedding_norm_scores, root_norms, score_modules
from autobuild_pipelines.spaces import SearchSpace, module_depths

SIX = ModelSettings(layers=6)


@pytest.mark.parametrize("number", [3, 5, 8])
def test_unconstrained_scores_of_a_unit_have_mean_0_and_deviation_1(sd_fid: SearchSpace, number: int) -> None:
    unit = sd_fid.ranking_units[number - 1]
    modules = unit.module_array()
    scores = embedding_norm_scores(untrained(sd_fid, SIX), unit, modules, within_layers=False)
    assert scores.shape == (2, 1, unit.count())
    np.testing.assert_allclose(scores.mean(axis=-1), 0, atol=1e-9)
    np.testing.assert_allclose(scores.std(axis=-1), 1)


@pytest.mark.parametrize("number", [3, 5, 8])
def test_constrained_scores_have_mean_0_and_deviation_1_among_modules_of_as_many_layers(
    sd_fid: SearchSpace, number: int
) -> None:
    unit = sd_fid.ranking_units[number - 1]
    modules = unit.module_array()
    scores = embedding_norm_scores(untrained(sd_fid, SIX), unit, modules, within_layers=True)
    for depth in unit.depths:
        of_depth = scores[..., module_depths(modules) == depth]
        np.testing.assert_allclose(of_depth.mean(axis=-1), 0, atol=1e-9)
        np.testing.assert_allclose(of_depth.std(axis=-1), 1)


def test_both_keep_the_order_of_norms_among_modules_of_as_many_layers(sd_fid: SearchSpace) -> None:
    predictors, unit = untrained(sd_fid, SIX), sd_fid.ranking_units[4]
    modules = unit.module_array()
    norms = root_norms(predictors, unit, modules)
    for within in (True, False):
        scores = embedding_norm_scores(predictors, unit, modules, within_layers=within)
        for depth in unit.depths:
            rows = module_depths(modules) == depth
            np.testing.assert_array_equal(np.argsort(scores[..., rows]), np.argsort(norms[..., rows]))


def test_the_only_module_of_its_kind_is_neither_good_nor_bad(sd_hardware: SearchSpace) -> None:
    unit = sd_hardware.ranking_units[0]  # one width: one module of two layers and one of three
    modules = unit.module_array()
    predictors = untrained(sd_hardware, SIX)
    assert not embedding_norm_scores(predictors, unit, modules, within_layers=True).any()
    assert embedding_norm_scores(predictors, unit, modules, within_layers=False).any()


def test_modules_deeper_than_the_predictor_sees_are_scored_by_their_last_layers(ofa_mbv3: SearchSpace) -> None:
    unit = ofa_mbv3.ranking_units[2]
    modules = unit.module_array()[[0, 90, 900, 5000, 5000 + 3 * 729]]
    shallow = untrained(ofa_mbv3, ModelSettings(layers=2))
    norms = root_norms(shallow, unit, modules, last_hop=True)
    assert tuple(module_depths(modules)) == (2, 3, 4, 4, 4)
    # The last two differ in their first layer alone, which three layers do not reach.
    assert (modules[3, 1:] == modules[4, 1:]).all()
    np.testing.assert_allclose(norms[..., 3], norms[..., 4], rtol=1e-6)
    with pytest.raises(ScoringError, match="sees at most 3"):
        root_norms(shallow, unit, modules)


def test_the_score_table_has_all_methods_but_eq5_where_labels_are_too_few(sd_hardware: SearchSpace) -> None:
    predictors, contexts = untrained(sd_hardware, SIX), sd_hardware.sample(2, np.random.default_rng(0))
    rows = [(t, u.number, d, 1.0, 0.5, 9) for t in ("a", "b") for u in sd_hardware.ranking_units for d in u.depths]
    statistics = pd.DataFrame(rows, columns=["target", "unit", "layers", "mean", "std", "count"])
    methods = [method for method in METHODS if method != "eq5"]
    table = score_modules(predictors, methods=methods, label_statistics=statistics, contexts=contexts, progress=False)
    assert len(table) == sd_hardware.module_count * 2 * len(methods)
    assert set(table["method"]) == set(methods)
    with pytest.raises(ScoringError, match=r"has 9 labelled architectures for target 'a', Eq\. 5 needs at least 10"):
        score_modules(predictors, methods=["eq5"], label_statistics=statistics, contexts=contexts, progress=False)
