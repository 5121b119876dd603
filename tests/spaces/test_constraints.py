"""Constraints between units: sizes, enumeration, samples and checks agree with what the declaration means."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autobuild_pipelines.spaces import ArchitectureArray, ArchitectureError, SearchSpace, SpaceError
from spaces.constrained_spaces import brute_force, constrained_spaces

TIED: dict[str, Any] = {
    "layer_features": {"kernel": {"choices": [3, 5]}, "width": {"choices": [8, 16, 32]}},
    "constraints": {"shared_variables": {"base": [8, 16], "factor": [1, 2]}},
    "units": [
        {"name": "head", "layers": [1, 2], "products": {"width": ["base", "factor"]}},
        {"name": "free", "layers": [1]},
        {"name": "tail", "layers": [1], "products": {"width": ["base", "factor"]}},
    ],
}
"""Head and tail have one width, 8, 16 or 32: two kernels each way, so (2 + 4) * 6 * 2 modules for each width."""


def tied(**changes: Any) -> SearchSpace:
    return SearchSpace.from_mapping("tied", {**TIED, **changes})


def layer(kernel: int, width: int) -> dict[str, int]:
    return {"kernel": kernel, "width": width}


def test_assignments_that_give_the_same_values_are_one() -> None:
    space = tied()  # 8 * 2 and 16 * 1 are the same width
    assert len(space.assignments) == 3
    assert space.size == 3 * (2 + 4) * 6 * 2


@settings(max_examples=60)
@given(constrained_spaces)
def test_enumeration_gives_every_architecture_that_the_declaration_allows_once(space: SearchSpace) -> None:
    assume(space.size < 3000)
    rows = np.concatenate([block.layers for block in space.blocks(size=7)])
    expected = brute_force(space)
    assert space.size == len(space.enumeration) == len(rows) == len(expected)
    assert {tuple(row) for row in rows.tolist()} == expected


@settings(max_examples=60)
@given(constrained_spaces, st.integers(0, 2**32), st.sampled_from(["modules", "depths"]))
def test_samples_are_valid_and_can_be_written_and_read_back(space: SearchSpace, seed: int, law: str) -> None:
    assume(space.size < 3000)
    array = space.sample(20, np.random.default_rng(seed), law=law)
    assert space.contains(array).all()
    assert {tuple(row) for row in array.layers.tolist()} <= brute_force(space)
    items = space.decode(array)
    again = space.encode(space.architecture(item.unit_objects()) for item in items)
    np.testing.assert_array_equal(again.layers, array.layers)
    for unit in space.ranking_units:
        modules = array.layers[:, unit.columns]
        parsed = [space.parse_module(unit, text) for text in space.module_json(modules)]
        np.testing.assert_array_equal(parsed, modules)


@settings(max_examples=60)
@given(constrained_spaces, st.integers(0, 2**32))
def test_modules_of_different_architectures_are_only_contained_where_they_agree(space: SearchSpace, seed: int) -> None:
    assume(space.size < 3000)
    rng = np.random.default_rng(seed)
    mixed = space.sample(30, rng).layers.copy()
    other = space.sample(30, rng).layers
    for unit in space.units:
        rows = rng.random(30) < 0.5
        mixed[rows, unit.columns] = other[rows, unit.columns]
    expected = brute_force(space)
    found = space.contains(ArchitectureArray(mixed, np.empty((30, 0), dtype=np.int16)))
    assert found.tolist() == [tuple(row) in expected for row in mixed.tolist()]


def test_uniform_sampling_draws_every_architecture_equally_often() -> None:
    units = [
        *TIED["units"][:2],
        {"name": "tail", "patterns": {"kernel": [[3], [5, 3]]}, "products": {"width": ["base"]}},
    ]
    space = tied(units=units[::2])
    array = space.sample(90_000, np.random.default_rng(0))
    counts = Counter(map(bytes, array.layers))
    assert len(counts) == space.size == 4 * 6 * 2  # width of the tail says the base, so all four assignments differ
    assert max(abs(count / 90_000 * space.size - 1) for count in counts.values()) < 0.12  # five standard deviations


def test_architectures_by_number_are_those_of_the_blocks() -> None:
    space = tied()
    blocks = ArchitectureArray.concat(space.blocks(size=10))
    numbers = np.random.default_rng(0).permutation(space.size)
    np.testing.assert_array_equal(space.enumeration.architectures(numbers).layers, blocks.layers[numbers])
    rows = space.enumeration.rows(numbers)
    modules = [listed[row] for listed, row in zip(space.enumeration.modules, rows.T, strict=True)]
    np.testing.assert_array_equal(space.assemble(modules), blocks.layers[numbers])
    with pytest.raises(IndexError, match="numbered 0 to 215"):
        space.enumeration.architectures([216])  # type: ignore[arg-type]


def test_a_space_too_large_to_number_says_so(ofa_mbv3: SearchSpace) -> None:
    with pytest.raises(SpaceError, match="too many to enumerate"):
        next(ofa_mbv3.blocks())


def test_an_architecture_that_breaks_a_constraint_is_refused_with_what_would_fit() -> None:
    with pytest.raises(ArchitectureError) as caught:
        tied().architecture([[layer(3, 16)], [layer(3, 8)], [layer(3, 32)]])
    assert str(caught.value) == (
        "tied: unit 3 (tail): width=32 does not go with the units before it, which leave width=16 "
        "(width is base × factor)"
    )


def test_layers_of_a_unit_agree_in_its_products() -> None:
    with pytest.raises(ArchitectureError, match=r"unit 1 \(head\): its layers must agree in \['width'\]"):
        tied().architecture([[layer(3, 16), layer(3, 8)], [layer(3, 8)], [layer(3, 16)]])


def test_modules_that_do_not_go_with_one_another_are_not_assembled() -> None:
    space = tied()
    widths = zip(space.ranking_units, (8, 8, 16), strict=True)
    modules = [space.parse_module(unit, [layer(3, width)]) for unit, width in widths]
    with pytest.raises(ArchitectureError, match=r"row 0: modules do not .* head has width=8; tail has width=16"):
        space.assemble([module[None] for module in modules])


def test_a_restriction_leaves_only_assignments_that_all_units_can_follow() -> None:
    units = [TIED["units"][0], {"name": "tail", "layers": [1], "products": {"width": ["base"]}}]
    space = tied(units=units, restrictions={"narrow": {"removed": [{"width": 32}]}})
    part = space.restrict("narrow")
    assert (space.size, part.size) == (4 * 6 * 2, 3 * 6 * 2)  # base 16 with factor 2 is gone
    array = ArchitectureArray.concat(space.blocks())
    assert part.contains(array).sum() == part.size
    assert part.contains(part.sample(100, np.random.default_rng(0))).all()
    with pytest.raises(SpaceError, match="leaves unit 1 without modules"):
        tied(restrictions={"none": {"removed": [{"kernel": 3}, {"kernel": 5}]}}).restrict("none")


def test_a_single_variable_may_be_of_any_kind() -> None:
    space = SearchSpace.from_mapping(
        "norms",
        {
            "layer_features": {"norm": {"choices": ["batch", "layer"]}, "kernel": {"choices": [3, 5]}},
            "constraints": {"shared_variables": {"norm": ["batch", "layer"]}},
            "units": [{"name": name, "layers": [1], "products": {"norm": ["norm"]}} for name in ("a", "b")],
        },
    )
    assert space.size == 2 * 2 * 2


@settings(max_examples=40)
@given(constrained_spaces)
def test_the_sizes_of_assignments_add_up_to_the_combinations_of_all_modules(space: SearchSpace) -> None:
    parts = [unit.part_of(unit.module_array()) for unit in space.ranking_units]
    assert space.assignments.combinations(parts) == space.assignments.sizes


FIXED: dict[str, Any] = {"name": "fixed", "searched": False, "layers": [1]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": [{"name": "a"}]}, r"units\.0: give either layers .* or patterns"),
        ({"units": [{"name": "a", "layers": [1], "patterns": {"kernel": [[3]]}}]}, "give either layers"),
        ({"units": [{"name": "a", "patterns": {"kernel": [[3]], "width": [[8]]}}]}, "patterns must be of one feature"),
        ({"units": [{"name": "a", "patterns": {"kernel": [[3], [3]]}}]}, r"patterns\.kernel: has repeated entries"),
        ({"units": [{"name": "a", "patterns": {"kernel": [[7]]}}]}, r"1\.patterns\.kernel: \[7\] not in \[3, 5\]"),
        ({"units": [{"name": "a", "patterns": {"stride": [[1]]}}]}, r"patterns\.stride: is not a searched layer"),
        (
            {"units": [{"name": "a", "patterns": {"kernel": [[3]]}, "choices": {"kernel": [3]}}]},
            r"patterns\.kernel: choices already say what kernel may be",
        ),
        (
            {"units": [{"name": "a", "layers": [1], "products": {"width": ["depth"]}}]},
            r"units\.1\.products\.width: 'depth' is not a shared variable, those are \['base', 'factor'\]",
        ),
        (
            {"units": [{"name": "a", "layers": [1], "products": {"kernel": ["base"]}}]},
            r"products\.kernel: base=8 gives 8, which is not one of the choices \[3, 5\]",
        ),
        (
            {"units": [{"name": "a", "layers": [1], "products": {"width": ["base"]}}]},
            r"constraints\.shared_variables\.factor: no unit has a product of it",
        ),
        ({"constraints": {"shared_variables": {"base": [8, 8], "factor": [1]}}}, r"variables\.base: has repeated"),
        ({"constraints": {"shared_variables": {"base": ["a"], "factor": [1]}}}, "needs variables that are numbers"),
        (
            {"constraints": {"shared_variables": {"base": list(range(400)), "factor": list(range(400))}}},
            "have 160000 combinations, more than 100000",
        ),
        ({"unit_features": {"side": {"choices": ["left"]}}}, r"units\.1\.features: lacks side, one of \['left'\]"),
        ({"units": [{**TIED["units"][0], "features": {"side": "left"}}]}, r"features\.side: is not a unit feature"),
        ({"unit_features": {"kernel": {"choices": [1]}}}, "the name 'kernel' is already used"),
        ({"units": [*TIED["units"], FIXED]}, "is not searched, so it must have one module, but has 6"),
        ({"units": [{**unit, "searched": False} for unit in TIED["units"]]}, "units: none is searched"),
        ({"units": [*TIED["units"], FIXED], "ranking_groups": [[3, 4]]}, "has 'fixed', which is not searched"),
        ({"units": TIED["units"][::2], "ranking_groups": [[1, 2]]}, "several units with products"),
        (
            {"constraints": {**TIED["constraints"], "equal_within_unit": {}}, "units": [
                TIED["units"][0], {"name": "p", "patterns": {"kernel": [[3, 5]]}}]},
            r"units\.2\.patterns: \[3, 5\] leaves no module",
        ),
        (
            {"units": [
                {"name": "a", "layers": [1], "products": {"width": ["base"]}},
                {"name": "b", "searched": False, "patterns": {"kernel": [[3]]}, "products": {"width": ["factor"]}}],
             "layer_features": {**TIED["layer_features"], "width": {"choices": [1, 2, 8, 16]}}},
            r"\['b'\] is not searched, but its products do not follow from those of searched units",
        ),
    ],
)  # fmt: skip
def test_an_invalid_constraint_is_refused_with_the_key_and_the_reason(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        tied(**changes).assignments  # noqa: B018


@given(constrained_spaces)
@settings(max_examples=20)
def test_a_declaration_survives_json(space: SearchSpace) -> None:
    again = SearchSpace.from_mapping("small", space.declaration.model_dump(mode="json"))
    assert again.declaration == space.declaration
    assume(space.size < 500)
    assert ArchitectureArray.concat(again.blocks()).keys() == ArchitectureArray.concat(space.blocks()).keys()
