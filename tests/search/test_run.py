"""Running variants into tables: columns, seeds, restrictions, closed tables, random members."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from search_run import OBJECTIVES, PROBLEMS, SETTINGS, SPACE, Metrics, digest, reduced, search

from autobuild_pipelines.search import (
    SearchError,
    SearchSettings,
    pareto_fronts,
    random_members,
    read_problems,
    run_search,
)
from autobuild_pipelines.spaces import from_table


def test_the_table_names_every_run_and_evaluation() -> None:
    table = search()
    assert list(table.columns) == [
        *("problem", "variant", "seed", "evaluation", "generation", "architecture_id", "resolution", "units"),
        *("gain", "cost", "gain_percent"),
    ]
    runs = table.groupby(["problem", "variant", "seed"], sort=False)
    assert len(runs) == 2 * (4 + 3)
    for _, rows in runs:
        assert rows["evaluation"].tolist() == list(range(1, 29))
        assert np.bincount(rows["generation"]).tolist() == [12, 8, 8]
        assert rows["architecture_id"].is_unique
    np.testing.assert_allclose(table["gain_percent"], table["gain"] * 100)


def test_every_variant_stays_in_its_part_of_the_space() -> None:
    table = search()
    insight = from_table(SPACE, table[table["variant"] == "Layer-Insight"])
    assert SPACE.restrict("small").contains(insight).all()
    ours = from_table(SPACE, table[table["variant"] == "AutoBuild-NAS"])
    assert reduced()["plain", "eq5"].contains(ours).all()
    assert set(table[table["problem"] == "insight"]["resolution"]) == {32}


def test_a_problem_without_a_restriction_has_no_layer_insight() -> None:
    table = search()
    assert "Layer-Insight" not in set(table[table["problem"] == "plain"]["variant"])


def test_leaving_variants_out_changes_no_other_run() -> None:
    settings = SearchSettings.from_mapping({**SETTINGS, "variants": {"Stage-Full": SETTINGS["variants"]["Stage-Full"]}})  # type: ignore[index]
    alone = run_search(SPACE, read_problems(PROBLEMS), settings, Metrics(), {}, seed=7, progress=False)
    table = search()
    same = table[table["variant"] == "Stage-Full"].reset_index(drop=True)
    assert alone.equals(same)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_table_in_a_process_with_another_hash_seed() -> None:
    other = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    script = Path(__file__).with_name("search_run.py")
    environment = {**os.environ, "PYTHONHASHSEED": other, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, str(script)], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == digest()


def test_other_seeds_give_other_tables() -> None:
    assert not search(seed=1).equals(search(seed=2))


def test_the_fronts_are_those_of_every_run() -> None:
    table, problems = search(), read_problems(PROBLEMS)
    fronts = pareto_fronts(table, problems)
    assert list(fronts.columns) == list(table.columns)
    assert len(fronts.groupby(["problem", "variant", "seed"])) == 14
    for (name, variant, seed), rows in fronts.groupby(["problem", "variant", "seed"]):
        run = table[(table["problem"] == name) & (table["variant"] == variant) & (table["seed"] == seed)]
        assert problems[0].hypervolume(problems[0].values(rows)) == problems[0].hypervolume(problems[0].values(run))


def test_a_closed_table_bounds_every_variant_and_restrictions_still_hold() -> None:
    support = SPACE.sample(400, np.random.default_rng(0), law="depths")
    support = support.take(
        np.unique(np.concatenate([support.layers, support.graph], axis=1), axis=0, return_index=True)[1]
    )
    table = search(support)
    assert set(table["architecture_id"]) <= set(SPACE.ids(support))
    assert set(table[table["problem"] == "insight"]["resolution"]) == {32}
    assert SPACE.restrict("small").contains(from_table(SPACE, table[table["variant"] == "Layer-Insight"])).all()


def test_running_out_of_architectures_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    search(SPACE.restrict("small").sample(20, np.random.default_rng(0), graph={"resolution": 32}))
    assert "plain, Stage-Full, seed 1: 20 of 28 evaluations" in caplog.text


def test_random_members_tell_what_the_space_of_each_variant_is_worth() -> None:
    settings, problems = SearchSettings.from_mapping(SETTINGS), read_problems(PROBLEMS)
    table = random_members(SPACE, problems, settings, Metrics(), reduced(), seed=0, count=200)
    assert list(table.columns) == ["problem", "variant", "objective", "members", "mean", "std", "space_size"]
    sizes = table.drop_duplicates(["problem", "variant"]).set_index(["problem", "variant"])["space_size"]
    assert sizes["plain", "Stage-Full"] == str(SPACE.size)
    assert sizes["insight", "Layer-Insight"] == str(SPACE.restrict("small").size)
    assert sizes["plain", "AutoBuild-NAS"] == str(5**3)
    modules = table[(table["variant"] == "Stage-Full") & (table["objective"] == "cost")]["mean"].iloc[0]
    depths = table[(table["variant"] == "Layer-Full") & (table["objective"] == "cost")]["mean"].iloc[0]
    assert modules > depths  # uniform over modules means deeper networks


def test_random_members_of_a_closed_table_are_its_own() -> None:
    support = SPACE.sample(3, np.random.default_rng(0), graph={"resolution": 32})
    settings = SearchSettings.from_mapping({"variants": {"S": {"mutation": "module", "space": "full"}}})
    table = random_members(SPACE, read_problems(PROBLEMS), settings, Metrics(support), {}, seed=0, count=50)
    assert (table["members"] == 50).all()
    costs = Metrics().evaluate(support)["cost"]
    assert table[table["objective"] == "cost"]["mean"].between(costs.min(), costs.max()).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"variants": {"A": {"mutation": "layers", "space": "full"}}},
            r"search.variants.A.mutation: .*'layer' or 'module'",
        ),
        ({"variants": {"A": {"mutation": "module", "space": "reduced"}}}, "method: name it with space: reduced"),
        (
            {"variants": {"A": {"mutation": "layer", "space": "reduced", "method": "m"}}},
            "reduced has modules to mutate",
        ),
        ({"variants": {}}, r"search.variants: .*at least 1"),
        ({"initial": 0}, r"search.initial: .*greater than or equal to 1"),
        ({"population": 3}, r"search.population: unknown key"),
    ],
)
def test_wrong_settings_are_refused_by_key(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SearchError, match=message):
        SearchSettings.from_mapping({**SETTINGS, **change})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "problems: expected a mapping of at least one problem"),
        ({"p": {"objectives": {}}}, r"problems.p.objectives: .*at least 1"),
        ({"p": {"objectives": {"a": {"direction": "up", "reference": 1}}}}, r"problems.p.objectives.a.direction"),
        ({"p": {"objectives": {"a": {"direction": "max"}}}}, r"problems.p.objectives.a.reference: Field required"),
        ({"p": {"objectives": OBJECTIVES, "resolution": 3}}, r"problems.p.resolution: unknown key"),
    ],
)
def test_wrong_problems_are_refused_by_key(content: dict[str, Any], message: str) -> None:
    with pytest.raises(SearchError, match=message):
        read_problems(content)


def test_an_objective_must_not_take_a_metrics_name_for_another_value() -> None:
    objectives = {"gain": {"equation": "gain * 100", "direction": "max", "reference": 0}}
    settings = SearchSettings.from_mapping({"variants": {"S": {"mutation": "module", "space": "full"}}})
    with pytest.raises(
        SearchError, match=r"problems.p.objectives.gain: has the name of a metric, but is 'gain \* 100'"
    ):
        run_search(SPACE, read_problems({"p": {"objectives": objectives}}), settings, Metrics(), {}, seed=0)


def test_a_missing_reduced_space_is_named() -> None:
    settings = SearchSettings.from_mapping(SETTINGS)
    with pytest.raises(SearchError, match="'AutoBuild-NAS': problem 'insight' has no reduced space by 'eq5'"):
        run_search(SPACE, read_problems(PROBLEMS), settings, Metrics(), {}, seed=0, progress=False)
