"""The best combinations under constraints between units are exact, and the K per unit that they are made of."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from autobuild_pipelines.building import (
    BuildingError,
    ReducedSpace,
    ScoredModules,
    best_agreeing_combinations,
    best_combinations,
    build_architectures,
    built_table,
    layer_quotas,
    select_modules,
    top_modules,
    top_of_unit,
)
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, module_depths
from spaces.constrained_spaces import constrained_spaces

# Quarters add exactly and give many ties; thirds round.
QUARTERS, THIRDS = (st.integers(-6, 6).map(lambda i, d=d: i / d) for d in (4, 3))


def ranked(space: SearchSpace, scores: Callable[[int], NDArray[np.float64]]) -> list[ScoredModules]:
    """All modules of every unit with scores, best first."""
    out = []
    for unit in space.ranking_units:
        modules = unit.module_array()
        values = scores(len(modules))
        order = np.argsort(-values, kind="stable")
        out.append(ScoredModules(unit, tuple(space.module_json(modules[order])), values[order]))
    return out


def score_table(scored: list[ScoredModules], method: str = "m") -> pd.DataFrame:
    parts = []
    for item in scored:
        rank = np.arange(1, len(item.modules) + 1)
        content = {"unit": item.unit.number, "module": item.modules, "score": item.scores, "rank": rank}
        parts.append(pd.DataFrame({**content, "target": "fid", "method": method}))
    return pd.concat(parts, ignore_index=True)


@settings(max_examples=150)
@given(st.data(), st.integers(0, 30))
def test_agreeing_combinations_are_the_first_of_all_that_agree(data: st.DataObject, count: int) -> None:
    values = data.draw(st.sampled_from([QUARTERS, THIRDS]))
    lists = data.draw(st.lists(st.lists(values, min_size=1, max_size=4), min_size=1, max_size=4))
    parts = [data.draw(st.lists(st.integers(0, 2), min_size=len(x), max_size=len(x))) for x in lists]
    every = list(product(range(3), repeat=len(lists)))
    allowed = data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=8, unique=True))
    indices, sums = best_agreeing_combinations(lists, parts, np.asarray(allowed, dtype=np.int64), count)
    ordered, totals = best_combinations(lists, 4**4)  # the whole product, in the documented order
    agreeing = [tuple(p[i] for p, i in zip(parts, row, strict=True)) in set(allowed) for row in ordered.tolist()]
    assert indices.tolist() == ordered[agreeing][:count].tolist()
    assert sums.tolist() == totals[agreeing][:count].tolist()


@settings(max_examples=60)
@given(constrained_spaces, st.integers(0, 2**32), st.integers(1, 12), st.booleans())
def test_what_is_built_is_the_best_of_all_architectures(space: SearchSpace, seed: int, count: int, ties: bool) -> None:
    assume(space.size < 3000)
    rng = np.random.default_rng(seed)
    scored = ranked(space, lambda n: rng.integers(0, 3, n) / 2 if ties else rng.normal(size=n))
    array, sums = build_architectures(space, scored, count)
    assert space.contains(array).all()
    assert len(set(array.keys())) == len(array) == min(count, space.size)
    score_of = [dict(zip(item.modules, item.scores, strict=True)) for item in scored]
    whole = ArchitectureArray.concat(space.blocks())
    columns = [
        [scores[module] for module in space.module_json(whole.layers[:, item.unit.columns])]
        for item, scores in zip(scored, score_of, strict=True)
    ]
    np.testing.assert_allclose(sums, np.sort(np.sum(columns, axis=0))[::-1][:count], atol=1e-12)


@pytest.mark.parametrize("name", ["sd_fid", "sd_hardware"])
def test_the_best_unets_are_those_of_the_whole_space(name: str, request: pytest.FixtureRequest) -> None:
    space: SearchSpace = request.getfixturevalue(name)
    rng = np.random.default_rng(0)
    scores = [rng.normal(size=len(modules)) for modules in space.enumeration.modules]
    parts = [unit.part_of(m) for unit, m in zip(space.ranking_units, space.enumeration.modules, strict=True)]
    indices, sums = best_agreeing_combinations(scores, parts, space.assignments.ranking_parts, 4)
    rows = space.enumeration.rows(range(space.size))
    totals = np.sum([values[row] for values, row in zip(scores, rows.T, strict=True)], axis=0)
    best = np.argsort(-totals)[:4]
    np.testing.assert_array_equal(indices, rows[best])
    np.testing.assert_allclose(sums, totals[best])


def test_no_agreeing_combination_is_none_at_all() -> None:
    indices, sums = best_agreeing_combinations([[1.0], [2.0, 3.0]], [[0], [1, 1]], np.asarray([[0, 0], [1, 1]]), 5)
    assert (indices.shape, sums.shape) == ((0, 2), (0,))


@pytest.mark.parametrize(
    ("scores", "parts", "message"),
    [
        ([[1.0], []], [[0], []], "unit 2: expected a non-empty list"),
        ([[1.0], [np.inf]], [[0], [0]], "unit 2: the score of item 0 is not finite"),
        ([[1.0], [1.0]], [[0], [0, 0]], "a part for every item"),
        ([[1.0]], [[0]], "assignments of a part to every unit"),
    ],
)
def test_unusable_lists_are_refused(scores: list[list[float]], parts: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_agreeing_combinations(scores, parts, np.asarray([[0, 0]]), 1)


@pytest.mark.parametrize(
    ("available", "top", "quotas"),
    [
        ([3, 3], 5, [2, 3]),  # stage 1: two of one hop, three of two hops (§7.9)
        ([8, 16, 8], 5, [1, 2, 2]),
        ([8, 8, 8, 8], 5, [1, 1, 1, 2]),  # output stages 3 and 4
        ([8, 8, 8, 8, 8], 5, [1, 1, 1, 1, 1]),  # the best of each
        ([8] * 7, 5, [1] * 7),
        ([1, 8, 1], 5, [1, 3, 1]),
        ([1, 2], 5, [1, 2]),
        ([4], 5, [4]),
    ],
)
def test_k_divides_over_numbers_of_layers(available: list[int], top: int, quotas: list[int]) -> None:
    assert layer_quotas(available, top) == quotas


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(1, 20))
def test_a_larger_k_takes_no_module_away(available: list[int], top: int) -> None:
    fewer, more = layer_quotas(available, top), layer_quotas(available, top + 1)
    assert all(a <= b for a, b in zip(fewer, more, strict=True))
    assert sum(fewer) == min(max(top, len(available)), sum(available))


def test_top_modules_are_the_best_of_all_or_of_every_number_of_layers(sd_fid: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    for item in ranked(sd_fid, lambda n: rng.normal(size=n)):
        assert top_of_unit(item, 5, spread=False).modules == item.modules[:5]
        spread = top_of_unit(item, 5, spread=True)
        depths, counts = np.unique(module_depths(spread.codes(sd_fid)), return_counts=True)
        assert depths.tolist() == list(item.unit.depths)
        assert counts.sum() == 5
        assert (np.diff(spread.scores) <= 0).all()
        of_each = module_depths(item.codes(sd_fid))
        for depth, count in zip(depths, counts, strict=True):
            best = [m for m, d in zip(item.modules, of_each, strict=True) if d == depth][:count]
            assert set(best) <= set(spread.modules)


@pytest.mark.parametrize("spread", [False, True])
def test_k_grows_until_enough_modules_go_with_one_another(sd_fid: SearchSpace, spread: bool) -> None:
    rng = np.random.default_rng(1)
    scored = ranked(sd_fid, lambda n: rng.normal(size=n))
    chosen, top = select_modules(sd_fid, scored, 2, spread=spread, count=4)
    assert top > 2
    combinations = sum(sd_fid.assignments.combinations([item.parts(sd_fid) for item in chosen]))
    fewer = [top_of_unit(item, top - 1, spread=spread) for item in scored]
    assert combinations >= 4 > sum(sd_fid.assignments.combinations([item.parts(sd_fid) for item in fewer]))
    array, _ = build_architectures(sd_fid, scored, 4, top=2, spread=spread)
    assert len(array) == 4
    assert sd_fid.contains(array).all()


def test_k_stays_where_its_modules_go_with_one_another(sd_fid: SearchSpace) -> None:
    # Wider is better, so all units' best have C_m = 256 and the largest multipliers (§7.9).
    scored = []
    for item in ranked(sd_fid, lambda n: np.zeros(n)):
        codes = item.codes(sd_fid)
        score = sd_fid.vocabulary[codes[:, 0], sd_fid.features.index("channels")] + module_depths(codes) / 10
        order = np.argsort(-score, kind="stable")
        scored.append(ScoredModules(item.unit, tuple(item.modules[i] for i in order), score[order].astype(float)))
    chosen, top = select_modules(sd_fid, scored, 5, count=4)
    assert top == 5
    assert [len(item.modules) for item in chosen] == [5] * 8
    array, _ = build_architectures(sd_fid, scored, 4, top=5)
    channels = {dict(unit[0])["channels"] for item in sd_fid.decode(array) for unit in item.units[3:6]}
    assert channels == {1024}


def test_modules_of_which_none_agree_are_refused_with_what_each_unit_offers(sd_fid: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    scored = ranked(sd_fid, lambda n: rng.normal(size=n))
    first, last = scored[0], scored[-1]
    only = [
        item.take(np.flatnonzero([f'"channels":{width},' in m for m in item.modules]))
        for item, width in ((first, 128), (last, 256))
    ]
    lists = [only[0], *scored[1:-1], only[1]]
    for top in (None, 5):
        with pytest.raises(BuildingError) as caught:
            build_architectures(sd_fid, lists, 4, top=top)
        text = str(caught.value)
        assert "no modules of all units go with one another (base, multiplier_2, multiplier_3, multiplier_4" in text
        assert "unit 1 (input1) has channels=128;" in text
        assert "unit 8 (output1) has channels=256;" in text
    with pytest.raises(BuildingError, match="top must be 1 or more"):
        build_architectures(sd_fid, scored, 4, top=0)


def test_the_table_takes_the_methods_that_spread(sd_hardware: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    scored = ranked(sd_hardware, lambda n: rng.normal(size=n))
    scores = pd.concat([score_table(scored, "spread"), score_table(scored, "plain")], ignore_index=True)
    table = built_table(sd_hardware, scores, ["fid"], ["spread", "plain"], 4, top=5, spread=["spread"])
    for method, spread in (("spread", True), ("plain", False)):
        array, sums = build_architectures(sd_hardware, scored, 4, top=5, spread=spread)
        rows = table[table["method"] == method]
        assert rows["architecture_id"].tolist() == sd_hardware.ids(array)
        np.testing.assert_allclose(rows["sum_of_scores"], sums)


def test_a_reduced_space_counts_and_draws_what_agrees(sd_fid: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    scores = score_table(ranked(sd_fid, lambda n: rng.normal(size=n)))
    reduced = top_modules(sd_fid, scores, ["fid"], "m", 9)
    inside = np.concatenate([reduced.contains(block) for block in sd_fid.blocks()])
    assert reduced.size == inside.sum() < 9**8
    sample = reduced.sample(30 * reduced.size, rng)
    assert reduced.contains(sample).all()
    assert sd_fid.contains(sample).all()
    assert len(set(sample.keys())) == reduced.size  # each missed with a chance of e^-30
    again = ReducedSpace.from_table(sd_fid, reduced.to_table())
    assert again.size == reduced.size


def test_a_reduced_space_without_architectures_is_refused(sd_fid: SearchSpace) -> None:
    rng = np.random.default_rng(5)
    scores = score_table(ranked(sd_fid, lambda n: rng.normal(size=n)))
    with pytest.raises(BuildingError, match="none of the listed modules of all units go with one another"):
        top_modules(sd_fid, scores, ["fid"], "m", 1)
