"""Direct construction: the best architectures by the sum of their modules' scores."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.building import BuildingError, build_architectures, built_table, scored_modules
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table

DECLARATION = {
    "layer_features": {"kernel": {"choices": [3, 5]}},
    "graph_features": {"resolution": {"choices": [16, 32], "default": 32}},
    "units": [{"name": "one", "layers": [1, 2]}, {"name": "two", "layers": [1, 2]}, {"name": "last", "layers": [1]}],
    "ranking_groups": [[2, 3]],
}


@pytest.fixture
def space() -> SearchSpace:
    return SearchSpace.from_mapping("tiny", DECLARATION)


@pytest.fixture
def scores(space: SearchSpace) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    parts = []
    for unit in space.ranking_units:
        modules = space.module_json(unit.module_array())
        score = rng.normal(size=len(modules))
        rank = (-score).argsort().argsort() + 1
        parts.append(
            pd.DataFrame(
                {"unit": unit.number, "module": modules, "target": "acc", "method": "m", "score": score, "rank": rank}
            )
        )
    return pd.concat(parts, ignore_index=True)


def everything(space: SearchSpace, resolution: int) -> ArchitectureArray:
    blocks = [unit.module_array() for unit in space.ranking_units]
    layers = np.stack([np.concatenate(parts) for parts in product(*blocks)])
    return ArchitectureArray(layers, np.tile(space.graph_code({"resolution": resolution}), (len(layers), 1)))


def test_what_is_built_is_the_best_of_the_whole_space(space: SearchSpace, scores: pd.DataFrame) -> None:
    scored = scored_modules(space, scores, "acc", "m")
    array, sums = build_architectures(space, scored, 10, graph={"resolution": 16})
    whole = everything(space, 16)
    _, best = build_architectures(space, scored, 10, graph={"resolution": 16}, support=whole)
    np.testing.assert_allclose(sums, best)
    assert space.contains(array).all()
    assert set(space.graph_values(array)["resolution"]) == {16}


def test_only_the_top_modules_are_combined(space: SearchSpace, scores: pd.DataFrame) -> None:
    scored = scored_modules(space, scores, "acc", "m")
    array, _ = build_architectures(space, scored, 100, top=2)
    assert len(array) == 4


def test_in_a_closed_table_only_its_architectures_are_built(space: SearchSpace, scores: pd.DataFrame) -> None:
    support = ArchitectureArray.concat([everything(space, 16), everything(space, 32)]).take(slice(0, None, 7))
    table = built_table(space, scores, ["acc"], ["m"], 5, graph={"resolution": 32}, top=2, support=support)
    assert set(table["architecture_id"]) <= set(space.ids(support))
    assert set(table["resolution"]) == {32}
    assert table["sum_of_scores"].is_monotonic_decreasing
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]


def test_a_module_of_the_closed_table_without_a_score_is_named(space: SearchSpace, scores: pd.DataFrame) -> None:
    some = scores[(scores["unit"] == 2) | (scores["rank"] < 3)]
    with pytest.raises(BuildingError, match=r"unit 1 \(one\): module .* has no score"):
        built_table(space, some, ["acc"], ["m"], 5, support=everything(space, 32))


def test_a_closed_table_without_the_resolution_is_refused(space: SearchSpace, scores: pd.DataFrame) -> None:
    with pytest.raises(BuildingError, match=r"no architecture that can be evaluated has \{'resolution': 16\}"):
        built_table(space, scores, ["acc"], ["m"], 5, graph={"resolution": 16}, support=everything(space, 32))


def test_the_table_has_architectures_behind_target_method_and_rank(space: SearchSpace, scores: pd.DataFrame) -> None:
    table = built_table(space, scores, ["acc"], ["m"], 3)
    expected = ["target", "method", "rank", "architecture_id", "resolution", "units", "sum_of_scores"]
    assert list(table.columns) == expected
    scored = scored_modules(space, scores, "acc", "m")
    array, _ = build_architectures(space, scored, 3)
    assert table["architecture_id"].tolist() == to_table(space, array)["architecture_id"].tolist()
