"""Module cards: which modules they show, what one layer changes, and which cells are thin."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.scoring import ScoringError, layer_cells, module_cards
from autobuild_pipelines.spaces import ABSENT, SearchSpace

SMALL: dict[str, Any] = {
    "layer_features": {"expand": {"choices": [3, 6]}, "kernel": {"choices": [3, 5]}},
    "units": [{"name": "a", "layers": [1, 2, 3]}, {"name": "b", "layers": [1, 2]}, {"name": "c", "layers": [1]}],
    "ranking_groups": [[2, 3]],
}
EFFECTS = {"expand": {"3": -0.5, "6": 0.5}, "kernel": {"3": -0.1, "5": 0.1}}
LENGTHS = {1: 10.0, 2: 11.0, 3: 12.0}
ODD = "[" + ",".join(['{"expand":3,"kernel":3}'] * 2) + "]"


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    return SearchSpace.from_mapping("small", SMALL)


@pytest.fixture(scope="module")
def scores(space: SearchSpace) -> pd.DataFrame:
    """What layers and lengths add up to, but for one module of unit 1, which is 2 better."""
    parts = []
    for unit in space.ranking_units:
        modules = unit.module_array()
        text = space.module_json(modules)
        score = np.asarray([_sum(module) + (2.0 if (unit.number, module) == (1, ODD) else 0.0) for module in text])
        rank = pd.Series(-score).rank(method="first").astype("int64")
        table = {"unit": unit.number, "module": text, "layers": (modules != ABSENT).sum(axis=1), "target": "t"}
        parts.append(
            pd.DataFrame({**table, "method": "contextual", "score": score, "standard_error": np.nan, "rank": rank})
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def effects(space: SearchSpace) -> pd.DataFrame:
    rows = [
        ("t", "layer", "layer", unit.number, position, feature, value, effect)
        for unit in space.units
        for position in range(unit.slots)
        for feature, values in EFFECTS.items()
        for value, effect in values.items()
    ]
    return pd.DataFrame(
        rows, columns=["target", "level", "scope", "unit", "position", "feature", "value", "effect"]
    ).astype({"unit": "Int64", "position": "Int64"})


@pytest.fixture(scope="module")
def statistics(space: SearchSpace) -> pd.DataFrame:
    rows = [("t", u.number, depth, LENGTHS[depth], 1.0, 10 * depth) for u in space.ranking_units for depth in u.depths]
    return pd.DataFrame(rows, columns=["target", "unit", "layers", "mean", "std", "count"])


@pytest.fixture(scope="module")
def made(
    space: SearchSpace, scores: pd.DataFrame, effects: pd.DataFrame, statistics: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    return module_cards(space, scores, effects, statistics, top=2, thin=15)


def _sum(module: str) -> float:
    layers = json.loads(module)
    return LENGTHS[len(layers)] + sum(EFFECTS[f][str(layer[f])] for layer in layers for f in EFFECTS)


def test_the_module_that_its_layers_and_length_do_not_explain_is_the_most_surprising(
    made: tuple[pd.DataFrame, pd.DataFrame], scores: pd.DataFrame
) -> None:
    cards, _ = made
    (odd,) = cards.query("unit == 1 and kind == 'surprising' and place == 1").to_dict("records")
    assert odd["module"] == ODD
    of_unit = scores.loc[scores["unit"] == 1, "score"]
    away = 2.0 * (1 - 1 / len(of_unit))  # the planted 2, without the mean that it moves
    assert odd["surprise"] == pytest.approx(away / of_unit.std(ddof=0))
    assert odd["rank"] < odd["expected_rank"]
    assert cards.query("unit == 2")["surprise"].abs().max() == pytest.approx(0, abs=1e-9)


def test_the_best_and_the_worst_are_those_of_the_table(
    made: tuple[pd.DataFrame, pd.DataFrame], scores: pd.DataFrame
) -> None:
    for unit, rows in scores.groupby("unit"):
        cards = made[0][made[0]["unit"] == unit]
        ranked = rows.sort_values("rank")["module"].tolist()
        assert cards.loc[cards["kind"] == "best", "module"].tolist() == ranked[:2]
        assert cards.loc[cards["kind"] == "worst", "module"].tolist() == ranked[:-3:-1]


def test_an_edit_is_the_difference_of_two_scores_and_every_one_layer_neighbour_has_one(
    made: tuple[pd.DataFrame, pd.DataFrame], scores: pd.DataFrame
) -> None:
    _, edits = made
    score = scores.set_index(["unit", "module"])["score"]
    for row in edits.to_dict("records"):
        expected = score[row["unit"], row["neighbour"]] - score[row["unit"], row["module"]]
        assert row["difference"] == pytest.approx(expected)
    for (unit, module), found in edits.groupby(["unit", "module"]):
        own = json.loads(module)
        fixed = 0 if unit == 1 else 1  # the merged unit's last layer stays one
        neighbours = {
            other for other in scores.loc[scores["unit"] == unit, "module"] if _one_away(own, json.loads(other), fixed)
        }
        assert set(found["neighbour"]) == neighbours


def _one_away(a: list[Any], b: list[Any], fixed: int) -> bool:
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b, strict=True)) == 1
    longer, shorter = sorted((a, b), key=len, reverse=True)
    if len(longer) - len(shorter) != 1 or longer[len(longer) - fixed :] != shorter[len(shorter) - fixed :]:
        return False
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer) - fixed))


def test_a_card_names_its_best_and_worst_edit(made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    cards, edits = made
    for card in cards.to_dict("records"):
        of_module = edits[(edits["unit"] == card["unit"]) & (edits["module"] == card["module"])]
        assert card["best_difference"] == of_module["difference"].max()
        assert card["worst_difference"] == of_module["difference"].min()
        best = of_module.set_index("edit")["difference"][card["best_edit"]]
        assert np.max(best) == card["best_difference"]


def test_edits_say_what_changes(made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    words = set(made[1].query("unit == 1")["edit"])
    assert "layer 0: expand 6 → 3" in words
    assert any(word.startswith("without layer 0 (expand ") for word in words)
    assert any(word.endswith("added as layer 1") for word in words)
    assert any(word.startswith("c layer 0: ") for word in made[1].query("unit == 2")["edit"])


def test_cells_of_few_labelled_architectures_are_thin(
    space: SearchSpace, statistics: pd.DataFrame, made: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    cells = layer_cells(statistics, space, thin=15).set_index(["unit", "layers"])
    assert cells["thin"].to_dict() == {(1, 1): True, (1, 2): False, (1, 3): False, (2, 2): False, (2, 3): False}
    assert cells["modules"].to_dict() == {(1, 1): 4, (1, 2): 16, (1, 3): 64, (2, 2): 16, (2, 3): 64}
    assert (made[0]["thin"] == (made[0]["count"] < 15)).all()


def test_scores_of_another_method_are_an_error_that_names_what_there_is(
    space: SearchSpace, scores: pd.DataFrame, effects: pd.DataFrame, statistics: pd.DataFrame
) -> None:
    with pytest.raises(ScoringError, match=r"no scores of 'eq5', only of \['contextual'\]"):
        module_cards(space, scores, effects, statistics, method="eq5")
