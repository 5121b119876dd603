"""Search-space declarations: what is read, and how a wrong one is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from autobuild_pipelines.spaces import SearchSpace, SpaceError

SMALL: dict[str, Any] = {
    "layer_features": {"kernel": {"choices": [3, 5]}, "expand": {"choices": [1, 6]}},
    "graph_features": {"resolution": {"choices": [160, 224], "default": 224}},
    "units": [{"name": "a", "layers": [1, 2]}, {"name": "b", "layers": [2]}],
}


def changed(**changes: Any) -> dict[str, Any]:
    """The small declaration with dotted keys replaced."""
    content = copy.deepcopy(SMALL)
    for path, value in changes.items():
        *parents, last = path.split("__")
        node = content
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = value
    return content


def test_a_small_space_is_read_and_counted() -> None:
    space = SearchSpace.from_mapping("small", SMALL)
    assert [unit.count() for unit in space.ranking_units] == [4 + 16, 16]
    assert space.size == 20 * 16
    assert space.size_with_graph_features == 2 * 20 * 16


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "expected a mapping"),
        (changed(units=[]), "units"),
        (changed(units=[{"name": "a", "layers": [0]}]), "layers must be 1 or more"),
        (changed(units=[{"name": "a", "layers": [3, 2]}]), "increasing"),
        (changed(units=[{"name": "a", "layers": [1]}, {"name": "a", "layers": [1]}]), "names repeat"),
        (changed(units=[{"name": "a", "layers": [1], "choices": {"kernel": [7]}}]), "not in"),
        (changed(units=[{"name": "a", "layers": [1], "choices": {"stride": [1]}}]), "not a searched layer feature"),
        (changed(units=[{"name": "a", "layers": "2-4"}]), "units.0.layers"),
        (changed(layer_features={}), "layer_features"),
        (changed(layer_features__kernel={"choices": []}), "layer_features.kernel.choices"),
        (changed(layer_features__kernel={"choices": [3, 3]}), "repeated"),
        (changed(layer_features__kernel={"choices": [3, 5], "value": 7}), "not one of its choices"),
        (changed(layer_features={"kernel": {"choices": [3], "value": 3}}), "nothing is left to search"),
        (changed(graph_features__resolution={"choices": [160], "default": 224}), "default"),
        (changed(graph_features__kernel={"choices": [1]}), "already used"),
        (changed(graph_features__resolution={"choices": ["a"], "scale": {"offset": 0, "divisor": 1}}), "numeric"),
        (changed(graph_features__resolution={"choices": [1], "scale": {"offset": 0, "divisor": 0}}), "divisor"),
        (changed(ranking_groups=[[1]]), "two or more consecutive"),
        (changed(ranking_groups=[[2, 3]]), "outside 1-2"),
        (changed(ranking_groups=[[1, 2], [1, 2]]), "two groups"),
        (
            changed(units=[{"name": "a", "layers": [1, 2]}, {"name": "b", "layers": [1, 2]}], ranking_groups=[[1, 2]]),
            "several units of variable depth",
        ),
        (changed(restrictions__x={"removed": [{"kernel": 9}]}), "restrictions.x.removed"),
        (changed(restrictions__x={"max_layers": [1]}), "1 entries for 2 units"),
        (changed(restrictions__x={"max_layers": [1, 1]}), "unit 2 needs at least 2"),
        (changed(restrictions__x={"mutation_probability": [0.5, 1.5]}), "must lie in"),
        (changed(constraints__equal_within_unit={"features": ["stride"]}), "unknown"),
        (changed(constraints__equal_within_unit={"units": [9]}), "outside"),
        (changed(colour="red"), "colour: unknown key"),
    ],
)
def test_an_invalid_declaration_is_refused_with_the_key_and_the_reason(content: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message) as caught:
        SearchSpace.from_mapping("small", content, source="small.yml")
    assert "space 'small' in small.yml" in str(caught.value)


def test_a_restriction_that_empties_a_unit_is_refused_by_name() -> None:
    space = SearchSpace.from_mapping("small", changed(restrictions__none={"removed": [{"kernel": 3}, {"kernel": 5}]}))
    with pytest.raises(SpaceError, match=r"restrictions\.none: leaves unit 1 without modules"):
        space.restrict("none")


def test_a_layer_name_that_does_not_tell_layers_apart_is_refused() -> None:
    space = SearchSpace.from_mapping("small", changed(layer_name="k{kernel}"))
    with pytest.raises(SpaceError, match="two layers the same name"):
        _ = space.layer_names


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "\x00"])
def test_a_file_that_is_no_declaration_is_refused_by_its_path(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yml"
    path.write_text(text)
    with pytest.raises(SpaceError, match=r"broken\.yml"):
        SearchSpace.from_yaml(path)
