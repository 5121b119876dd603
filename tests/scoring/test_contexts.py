"""Contexts of modules where units share variables: valid networks, changed as little as that takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.scoring import ScoringError, contexts_with
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace


@given(st.integers(0, 2**32 - 1), st.integers(0, 7))
def test_contexts_are_networks_of_the_space_with_the_wanted_part(sd_fid: SearchSpace, seed: int, place: int) -> None:
    contexts = sd_fid.sample(5, np.random.default_rng(seed))
    unit = sd_fid.ranking_units[place]
    part = seed % len(unit.parted.part_keys)
    found = contexts_with(sd_fid, unit, part, contexts)
    assert sd_fid.contains(found).all()
    assert (unit.part_of(found.layers[:, unit.columns]) == part).all()


@given(st.integers(0, 2**32 - 1), st.integers(0, 7))
def test_no_network_with_the_part_differs_from_the_context_in_fewer_units_by_its_shared_variables(
    sd_fid: SearchSpace, seed: int, place: int
) -> None:
    contexts = sd_fid.sample(3, np.random.default_rng(seed))
    unit = sd_fid.ranking_units[place]
    part = seed % len(unit.parted.part_keys)
    found = contexts_with(sd_fid, unit, part, contexts)
    parts = sd_fid.assignments.parts
    able = parts[sd_fid.assignments.ranking_parts[:, unit.number - 1] == part]
    own, new = (parts[sd_fid.assignments.of(array.layers)] for array in (contexts, found))
    np.testing.assert_array_equal((own != new).sum(axis=1), (own[:, None] != able).sum(axis=2).min(axis=1))
    # A unit that keeps its part keeps its module, and one that does not keeps its operations.
    operation = sd_fid.vocabulary[:, sd_fid.features.index("operation")]
    for column, declared in enumerate(sd_fid.units):
        before, after = contexts.layers[:, declared.columns], found.layers[:, declared.columns]
        kept = own[:, column] == new[:, column]
        np.testing.assert_array_equal(before[kept], after[kept])
        np.testing.assert_array_equal(before < 0, after < 0)
        np.testing.assert_array_equal(operation[before[before >= 0]], operation[after[after >= 0]])


def test_equally_near_assignments_take_turns(sd_fid: SearchSpace) -> None:
    one = sd_fid.sample(1, np.random.default_rng(0))
    same = ArchitectureArray(np.repeat(one.layers, 40, axis=0), np.repeat(one.graph, 40, axis=0))
    unit = sd_fid.ranking_units[0]
    part = (int(unit.part_of(one.layers[:, unit.columns])[0]) + 1) % 3  # another C_m: multipliers may do what they like
    assignments = sd_fid.assignments.of(contexts_with(sd_fid, unit, part, same).layers)
    _, counts = np.unique(assignments, return_counts=True)
    assert counts.max() - counts.min() <= 1


def test_contexts_stay_as_they_are_where_nothing_is_shared(ofa_pn: SearchSpace) -> None:
    contexts = ofa_pn.sample(6, np.random.default_rng(0))
    for unit in ofa_pn.ranking_units:
        np.testing.assert_array_equal(contexts_with(ofa_pn, unit, 0, contexts).layers, contexts.layers)


def test_contexts_whose_units_do_not_go_with_one_another_are_refused(sd_fid: SearchSpace) -> None:
    contexts = sd_fid.sample(2, np.random.default_rng(0))
    unit = sd_fid.ranking_units[0]
    own = unit.part_of(contexts.layers[1:, unit.columns])[0]
    modules = unit.module_array()
    contexts.layers[1, unit.columns] = modules[unit.part_of(modules) != own][0]
    with pytest.raises(ScoringError, match="context 1: its units do not go with one another"):
        contexts_with(sd_fid, unit, 0, contexts)
