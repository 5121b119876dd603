"""Sizes of the published spaces (§7.2 of the supplementary text), computed from their declarations."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.spaces import ABSENT, SearchSpace, module_depths


def test_ofa_mbv3_has_the_sizes_of_section_7_2(ofa_mbv3: SearchSpace) -> None:
    assert [unit.count() for unit in ofa_mbv3.ranking_units] == [7371] * 5
    assert ofa_mbv3.module_count == 36_855
    assert ofa_mbv3.size == 7371**5  # about 2.18e19


def test_ofa_pn_merges_its_last_two_stages_and_has_the_sizes_of_section_7_2(ofa_pn: SearchSpace) -> None:
    assert [unit.count() for unit in ofa_pn.ranking_units] == [7371, 7371, 7371, 7371, 66_339]
    assert ofa_pn.ranking_units[-1].depths == (3, 4, 5)
    assert ofa_pn.module_count == 95_823
    assert ofa_pn.size == 7371**5 * 9  # about 1.96e20


@pytest.mark.parametrize(
    ("restriction", "size"),
    [
        # Three removed blocks leave six; stages 2, 4 and 5 have at most three layers.
        ("gpu", (6**2 + 6**3 + 6**4) ** 2 * (6**2 + 6**3) ** 3),
        ("cpu", (9**2 + 9**3) ** 3 * 7371**2),  # 2.9e16
        ("npu", (6**2 + 6**3 + 6**4) ** 5),  # about 9e15
    ],
)
def test_layer_insight_restrictions_have_their_sizes(ofa_mbv3: SearchSpace, restriction: str, size: int) -> None:
    assert ofa_mbv3.restrict(restriction).size == size


def test_a_restricted_space_contains_what_it_samples_and_not_the_rest(ofa_mbv3: SearchSpace) -> None:
    restricted = ofa_mbv3.restrict("npu")
    rng = np.random.default_rng(0)
    assert restricted.contains(restricted.sample(200, rng)).all()
    assert not restricted.contains(ofa_mbv3.sample(200, rng)).any()  # each has a kernel of 7 somewhere
    assert restricted.mutation_probabilities("npu", 0.5) == (0.25, 0.25, 0.25, 0.5, 0.5)


@st.composite
def small_spaces(draw: st.DrawFn) -> SearchSpace:
    """Spaces of one to three units, some with merged units or equal layers."""
    units = []
    for index in range(draw(st.integers(1, 3))):
        depths = sorted(draw(st.sets(st.integers(1, 3), min_size=1, max_size=2)))
        units.append({"name": f"u{index}", "layers": depths})
    content: dict[str, object] = {
        "layer_features": {"a": {"choices": [1, 2, 3]}, "b": {"choices": ["x", "y"]}},
        "units": units,
    }
    if len(units) > 1 and sum(len(unit["layers"]) > 1 for unit in units[:2]) <= 1 and draw(st.booleans()):
        content["ranking_groups"] = [[1, 2]]
    if draw(st.booleans()):
        content["constraints"] = {"equal_within_unit": {"features": draw(st.sampled_from([[], ["a"], ["b"]]))}}
    return SearchSpace.from_mapping("small", content)


@given(small_spaces())
def test_enumeration_length_equals_the_computed_size_and_has_no_repeats(space: SearchSpace) -> None:
    for unit in space.ranking_units:
        modules = unit.module_array()
        assert len(modules) == unit.count() == len(np.unique(modules, axis=0))
        assert [tuple(row) for row in modules.tolist()] == list(unit.modules())
        assert (np.diff(module_depths(modules)) >= 0).all()


@given(small_spaces(), st.integers(0, 2**32), st.sampled_from(["modules", "depths"]))
def test_samples_are_valid_and_encoding_is_reversible(space: SearchSpace, seed: int, law: str) -> None:
    array = space.sample(20, np.random.default_rng(seed), law=law)
    assert space.contains(array).all()
    items = space.decode(array)
    again = space.encode(space.architecture(item.unit_objects(), dict(item.graph)) for item in items)
    np.testing.assert_array_equal(again.layers, array.layers)
    assert space.ids(array) == [item.id for item in items]


def test_uniform_sampling_draws_every_module_equally_often() -> None:
    content = {"layer_features": {"a": {"choices": [1, 2]}}, "units": [{"name": "u", "layers": [1, 2]}]}
    space = SearchSpace.from_mapping("tiny", content)
    array = space.sample(60_000, np.random.default_rng(1))
    _, counts = np.unique(array.layers, axis=0, return_counts=True)
    assert len(counts) == 6
    assert np.abs(counts / 10_000 - 1).max() < 0.05  # five standard deviations of a binomial count


def test_enumeration_is_lazy(ofa_pn: SearchSpace) -> None:
    first = next(iter(ofa_pn.ranking_units[-1].modules()))
    assert first == (0, 0, ABSENT, ABSENT, 0)


@pytest.mark.parametrize(
    ("restriction", "law", "digest"),
    [
        (None, "modules", "ae4e586eb2b3173e"),
        (None, "depths", "b966cbca54a01ee8"),
        ("gpu", "modules", "1327c97199f76df4"),
    ],
)
def test_a_seed_draws_the_architectures_that_it_always_drew(
    ofa_mbv3: SearchSpace, restriction: str | None, law: str, digest: str
) -> None:
    space = ofa_mbv3 if restriction is None else ofa_mbv3.restrict(restriction)
    array = space.sample(1000, np.random.default_rng(7), law=law)
    assert hashlib.sha256(array.layers.tobytes() + array.graph.tobytes()).hexdigest()[:16] == digest
