"""Reduced spaces: top K per unit and target, united."""

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.building import (
    BuildingError,
    ReducedSpace,
    read_reduced_spaces,
    reduced_space_table,
    top_modules,
)
from autobuild_pipelines.spaces import SearchSpace


def random_scores(space: SearchSpace, targets: list[str], seed: int = 0, top: int = 40) -> pd.DataFrame:
    """Random scores of some modules of every ranking unit."""
    rng = np.random.default_rng(seed)
    parts = []
    for unit in space.ranking_units:
        codes = unit.module_array()
        codes = codes[rng.choice(len(codes), size=top, replace=False)]
        for target in targets:
            score = rng.normal(size=top)
            rank = (-score).argsort().argsort() + 1
            module = space.module_json(codes)
            parts.append(
                pd.DataFrame(
                    {
                        "unit": unit.number,
                        "module": module,
                        "target": target,
                        "method": "m",
                        "score": score,
                        "rank": rank,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=seed)


def test_it_unites_the_best_modules_of_every_target(ofa_mbv3: SearchSpace) -> None:
    scores = random_scores(ofa_mbv3, ["a", "b", "unused"])
    reduced = top_modules(ofa_mbv3, scores, ["a", "b"], "m", 7)
    for unit, modules, targets in zip(ofa_mbv3.ranking_units, reduced.modules, reduced.targets, strict=True):
        rows = scores[(scores["unit"] == unit.number) & (scores["rank"] <= 7)]
        for target in ("a", "b"):
            chosen = {m for m, t in zip(ofa_mbv3.module_json(modules), targets, strict=True) if target in t}
            assert chosen == set(rows[rows["target"] == target]["module"])


def test_its_first_module_is_the_best_of_the_first_target(ofa_mbv3: SearchSpace) -> None:
    scores = random_scores(ofa_mbv3, ["a", "b"])
    reduced = top_modules(ofa_mbv3, scores, ["a", "b"], "m", 3)
    best = scores[(scores["target"] == "a") & (scores["rank"] == 1) & (scores["unit"] == 1)]["module"].item()
    assert ofa_mbv3.module_json(reduced.modules[0])[0] == best


def test_its_size_is_the_product_of_its_lists(ofa_pn: SearchSpace) -> None:
    reduced = top_modules(ofa_pn, random_scores(ofa_pn, ["a"]), ["a"], "m", 25)
    assert reduced.size == 25**5


def test_samples_lie_in_it_and_others_do_not(ofa_pn: SearchSpace) -> None:
    reduced = top_modules(ofa_pn, random_scores(ofa_pn, ["a", "b"]), ["a", "b"], "m", 5)
    rng = np.random.default_rng(0)
    sample = reduced.sample(200, rng, graph={"resolution": 208})
    assert reduced.contains(sample).all()
    assert ofa_pn.contains(sample).all()
    assert set(ofa_pn.graph_values(sample)["resolution"]) == {208}
    assert not reduced.contains(ofa_pn.sample(200, rng)).any()


def test_its_table_gives_it_back(ofa_pn: SearchSpace) -> None:
    spaces = {
        (problem, "m"): top_modules(ofa_pn, random_scores(ofa_pn, ["a", "b"], seed), ["a", "b"], "m", 4)
        for seed, problem in enumerate(("cpu", "gpu"))
    }
    table = reduced_space_table(spaces)
    assert list(table.columns) == ["problem", "method", "unit", "module", "layers", "targets"]
    read = read_reduced_spaces(ofa_pn, table)
    assert list(read) == list(spaces)
    for key, reduced in spaces.items():
        assert read[key].targets == reduced.targets
        assert all(np.array_equal(x, y) for x, y in zip(read[key].modules, reduced.modules, strict=True))


def test_a_target_without_scores_is_named_with_those_that_exist(ofa_mbv3: SearchSpace) -> None:
    with pytest.raises(BuildingError, match=r"no scores of target 'z' by method 'm'; there are \['a by m'"):
        top_modules(ofa_mbv3, random_scores(ofa_mbv3, ["a"]), ["z"], "m", 4)


def test_a_unit_without_modules_is_named(ofa_mbv3: SearchSpace) -> None:
    table = top_modules(ofa_mbv3, random_scores(ofa_mbv3, ["a"]), ["a"], "m", 4).to_table()
    with pytest.raises(BuildingError, match=r"unit 3 \(stage3\): has no modules"):
        ReducedSpace.from_table(ofa_mbv3, table[table["unit"] != 3])
