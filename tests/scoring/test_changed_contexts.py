"""Networks that differ from a context in one thing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.scoring.changed_contexts import LENGTH, Change, changed_contexts
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace

# Layers of a unit share expand and kernel, but not se.
TIED: dict[str, Any] = {
    "layer_features": {"expand": {"choices": [1, 4]}, "kernel": {"choices": [3, 5]}, "se": {"choices": [0, 1]}},
    "units": [{"name": f"stage{n}", "layers": [1, 2, 3]} for n in (1, 2)],
    "constraints": {"equal_within_unit": {"features": ["expand", "kernel"]}},
}


def changes(space: SearchSpace, seed: int = 0, count: int = 4) -> tuple[ArchitectureArray, list[Change]]:
    contexts = space.sample(count, np.random.default_rng(seed))
    return contexts, list(changed_contexts(space, contexts))


def value_of(space: SearchSpace, change: Change, row: int) -> set[str]:
    """What the changed network has at the place of the change."""
    network = change.networks.take([row])
    if change.scope == "graph":
        return {str(space.graph_values(network)[change.feature][0])}
    assert change.unit is not None
    codes = network.layers[0, space.units[change.unit - 1].columns]
    if change.feature == LENGTH:
        return {str((codes != ABSENT).sum())}
    present = codes[codes != ABSENT] if change.position is None else codes[[change.position]]
    return {str(dict(space.layers[code])[change.feature]) for code in present}


@pytest.mark.parametrize("name", ["ofa_mbv3", "ofa_pn", "sd_fid", "sd_hardware", "tied"])
def test_every_changed_network_belongs_to_the_space_and_has_the_value(
    name: str, request: pytest.FixtureRequest
) -> None:
    space = SearchSpace.from_mapping("tied", TIED) if name == "tied" else request.getfixturevalue(name)
    _, found = changes(space)
    assert {change.unit for change in found if change.scope != "graph"} == {u.number for u in space.units if u.searched}
    for change in found:
        assert space.contains(change.networks).all()
        assert space.assignments.agree(change.networks.layers).all()
        for row in range(len(change.networks)):
            assert value_of(space, change, row) == {change.value}


@given(seed=st.integers(0, 2**32 - 1))
def test_without_constraints_nothing_but_the_one_layer_changes(seed: int, ofa_pn: SearchSpace) -> None:
    contexts, found = changes(ofa_pn, seed, count=2)
    for change in (change for change in found if change.scope == "layer"):
        assert change.unit is not None
        assert change.position is not None
        slot = ofa_pn.units[change.unit - 1].start + change.position
        before = contexts.layers[change.contexts]
        assert (np.delete(before, slot, axis=1) == np.delete(change.networks.layers, slot, axis=1)).all()
        own, new = (ofa_pn.vocabulary[layers[:, slot]] for layers in (before, change.networks.layers))
        others = [column for column, name in enumerate(ofa_pn.features) if name != change.feature]
        assert (own[:, others] == new[:, others]).all()


def test_a_unit_of_another_length_keeps_its_first_layers(ofa_mbv3: SearchSpace) -> None:
    contexts, found = changes(ofa_mbv3, count=8)
    lengths = [change for change in found if change.scope == "length"]
    assert len(lengths) == 5 * 3
    for change in lengths:
        assert change.unit is not None
        columns = ofa_mbv3.units[change.unit - 1].columns
        before, after = contexts.layers[change.contexts][:, columns], change.networks.layers[:, columns]
        both = (before != ABSENT) & (after != ABSENT)
        assert (before[both] == after[both]).all()


def test_a_context_without_a_layer_has_no_say_about_it(ofa_mbv3: SearchSpace) -> None:
    contexts, found = changes(ofa_mbv3, count=12)
    for change in (change for change in found if change.scope == "layer"):
        assert change.unit is not None
        assert change.position is not None
        slot = ofa_mbv3.units[change.unit - 1].start + change.position
        assert change.contexts.tolist() == np.flatnonzero(contexts.layers[:, slot] != ABSENT).tolist()


def test_what_layers_of_a_unit_share_changes_in_the_whole_unit() -> None:
    _, found = changes(SearchSpace.from_mapping("tied", TIED))
    assert {(change.feature, change.scope) for change in found} == {
        ("expand", "unit"),
        ("kernel", "unit"),
        ("se", "layer"),
        (LENGTH, "length"),
    }


def test_what_units_share_changes_in_all_of_them(sd_fid: SearchSpace) -> None:
    contexts, found = changes(sd_fid)
    widths = [change for change in found if change.scope == "shared" and change.unit == 1]
    assert [change.value for change in widths] == ["128", "192", "256"]
    for change in widths:
        own = sd_fid.assignments.of(contexts.layers)
        base = np.asarray([str(values["base"]) for values in sd_fid.assignments.values])
        assert (base[sd_fid.assignments.of(change.networks.layers)] == change.value).all()
        kept = base[own] == change.value
        assert (change.networks.layers[kept] == contexts.layers[kept]).all()
