"""Mutations give valid children, hit at least one unit, and edit one layer or one module."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from search_spaces import declarations

from autobuild_pipelines.search import LayerMutation, ModuleMutation, SearchError
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, Codes, SearchSpace, SpaceError, module_depths


def layers_of(module: Codes) -> list[int]:
    return [code for code in module.tolist() if code != ABSENT]


def is_one_edit(before: list[int], after: list[int]) -> bool:
    """Whether one layer was added, removed or swapped."""
    if len(after) == len(before):
        return sum(x != y for x, y in zip(before, after, strict=True)) == 1
    longer, shorter = (after, before) if len(after) > len(before) else (before, after)
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))


@settings(max_examples=150)
@given(declaration=declarations(), seed=st.integers(0, 100), restricted=st.booleans())
def test_layer_mutants_are_valid_and_differ_from_their_parents(
    declaration: dict[str, Any], seed: int, restricted: bool
) -> None:
    space = SearchSpace.from_mapping("any", declaration)
    if restricted:
        try:
            space = space.restrict("small")
        except SpaceError:
            assume(False)
    assume(space.size > 1)
    rng = np.random.default_rng(seed)
    parents = space.sample(40, rng, law="depths")
    children = LayerMutation(space, [0.5] * len(space.units)).mutate(parents.layers, rng)
    assert space.contains(ArchitectureArray(children, parents.graph)).all()
    assert (children != parents.layers).any(axis=1).all()


@settings(max_examples=100)
@given(declaration=declarations(), seed=st.integers(0, 100))
def test_module_mutants_are_valid(declaration: dict[str, Any], seed: int) -> None:
    space = SearchSpace.from_mapping("any", declaration)
    rng = np.random.default_rng(seed)
    parents = space.sample(40, rng)
    children = ModuleMutation(space.ranking_units, [0.5] * len(space.ranking_units)).mutate(parents.layers, rng)
    assert space.contains(ArchitectureArray(children, parents.graph)).all()


def test_a_layer_mutation_makes_one_edit_in_each_unit_that_it_hits(ofa_pn: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    parents = ofa_pn.sample(500, rng, law="depths").layers
    children = LayerMutation(ofa_pn, [1.0] * 6).mutate(parents, rng)
    for unit in ofa_pn.units:
        for before, after in zip(parents[:, unit.columns], children[:, unit.columns], strict=True):
            assert is_one_edit(layers_of(before), layers_of(after))


def test_the_three_kinds_of_edit_are_equally_likely_where_all_are_possible(ofa_mbv3: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    parents = np.full((3000, ofa_mbv3.slots), ABSENT, dtype=np.int16)
    for unit in ofa_mbv3.units:
        parents[:, unit.start : unit.start + 3] = 4
    children = LayerMutation(ofa_mbv3, [1.0, 0, 0, 0, 0]).mutate(parents, rng)
    change = module_depths(children) - module_depths(parents)
    assert np.bincount(change + 1) / 3000 == pytest.approx([1 / 3] * 3, abs=0.03)


def test_a_unit_of_one_depth_only_swaps(ofa_pn: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    parents = ofa_pn.sample(100, rng).layers
    children = LayerMutation(ofa_pn, [0, 0, 0, 0, 0, 1.0]).mutate(parents, rng)
    column = ofa_pn.units[5].start
    assert (children[:, column] != parents[:, column]).all()
    assert np.array_equal(np.delete(children, column, axis=1), np.delete(parents, column, axis=1))


def test_layers_that_must_agree_change_together() -> None:
    space = SearchSpace.from_mapping(
        "uniform",
        {
            "layer_features": {"kernel": {"choices": [3, 5]}, "expand": {"choices": [1, 2]}},
            "units": [{"name": "one", "layers": [3]}],
            "constraints": {"equal_within_unit": {"features": ["kernel"]}},
        },
    )
    rng = np.random.default_rng(0)
    parents = space.sample(300, rng).layers
    children = LayerMutation(space, [0.5]).mutate(parents, rng)
    before, after = (space.vocabulary[codes] for codes in (parents, children))
    moved = (before[:, :, 0] != after[:, :, 0]).any(axis=1)
    assert 0 < moved.sum() < 300
    # The layers that only follow keep their expansion.
    kept = (before[moved, :, 1] == after[moved, :, 1]).sum(axis=1)
    assert (kept >= 2).all()


@pytest.mark.parametrize("odds", [[0.5] * 5, [0.0, 0.9, 0.0, 0.0, 0.1], [0.0] * 5])
def test_every_mutation_hits_at_least_one_unit_with_its_probability(ofa_mbv3: SearchSpace, odds: list[float]) -> None:
    rng = np.random.default_rng(0)
    parents = ofa_mbv3.sample(4000, rng).layers
    children = LayerMutation(ofa_mbv3, odds).mutate(parents, rng)
    changed = np.stack([(children[:, u.columns] != parents[:, u.columns]).any(axis=1) for u in ofa_mbv3.units], axis=1)
    assert changed.any(axis=1).all()
    if any(odds):
        none = np.prod(1 - np.asarray(odds))
        expected = np.asarray(odds) + none * np.asarray(odds) / sum(odds)
        np.testing.assert_allclose(changed.mean(axis=0), expected, atol=0.03)


def test_a_module_mutation_draws_from_its_lists(ofa_pn: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    lists = [unit.module_array()[[5, 50, 500]] for unit in ofa_pn.ranking_units]
    parents = ofa_pn.sample(300, rng).layers
    children = ModuleMutation(ofa_pn.ranking_units, [1.0] * 5, lists).mutate(parents, rng)
    for unit, listed in zip(ofa_pn.ranking_units, lists, strict=True):
        assert {m.tobytes() for m in children[:, unit.columns]} == {m.tobytes() for m in listed}


def test_a_parent_outside_a_restricted_space_is_refused(ofa_mbv3: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    mutation = LayerMutation(ofa_mbv3.restrict("gpu"), [1.0] * 5)
    with pytest.raises(ValueError, match="not of the unit"):
        mutation.mutate(ofa_mbv3.sample(50, rng).layers, rng)


def test_a_space_whose_units_share_variables_is_refused(sd_fid: SearchSpace) -> None:
    with pytest.raises(SearchError, match="patterns or shared variables; build from module scores instead"):
        LayerMutation(sd_fid, [0.5] * 9)
    with pytest.raises(SearchError, match=r"input1, .*, output1 share variables; build from module scores instead"):
        ModuleMutation(sd_fid.ranking_units, [0.5] * 8)
