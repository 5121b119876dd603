r"""Module cards: the best, worst and most surprising modules of every unit, and what changing one layer does to them.

A module is surprising where its contextual score is far from what its parts lead to expect: the labels say how good
units of its length are, and contextual effects how good each of its layers is where it stands. Added up,

.. math:: \mathrm{expected}(b) = \mu^y_{u,l} + \sum_{p} \sum_f e_{u,p,f}(b_{p,f})

and the surprise is score minus expected, both without their mean over the unit, in standard deviations of the unit's
scores. It is what is left of interactions: of layers with each other, and of layers with the unit's length.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.scoring.errors import ScoringError
from autobuild_pipelines.spaces import ABSENT, Codes, RankingUnit, SearchSpace

KINDS = ("best", "worst", "surprising")


def expected_scores(
    space: SearchSpace, unit: RankingUnit, modules: Codes, effects: pd.DataFrame, label_means: dict[int, float]
) -> NDArray[np.float64]:
    """[n] what modules [n, slots] are expected to score, up to a constant of the unit.

    Args:
        space: The search space.
        unit: The ranking unit.
        modules: Layer codes.
        effects: Rows of one target in table `feature_effects`.
        label_means: Number of layers to the mean label of architectures whose unit has so many; where there are none,
            the mean of the others.
    """
    depths = (modules != ABSENT).sum(axis=1)
    known = [mean for mean in label_means.values() if np.isfinite(mean)]
    rest = float(np.mean(known)) if known else 0.0
    means = {depth: mean if np.isfinite(mean) else rest for depth, mean in label_means.items()}
    expected: NDArray[np.float64] = np.asarray([means.get(int(depth), rest) for depth in depths])
    for part in unit.units:
        rows = effects[(effects["unit"] == part.number) & (effects["level"] != "space")]
        for name, found in rows.groupby("feature", sort=False):
            if name not in space.features:
                continue
            choices = [str(c) for c in space.declaration.layer_features[str(name)].choices]
            column = space.features.index(str(name))
            for slot in range(part.slots):
                at = found[(found["level"] == "layer") & (found["position"] == slot)]
                if at.empty and slot == 0:  # what all layers of the unit share, counted once
                    at = found[(found["level"] == "unit") & (found["scope"] != "layer")]
                table = np.zeros(len(choices))
                table[[choices.index(value) for value in at["value"]]] = at["effect"]
                codes = modules[:, part.start - unit.start + slot]
                expected += np.where(codes == ABSENT, 0.0, table[space.vocabulary[np.maximum(codes, 0), column]])
    return expected


def module_cards(
    space: SearchSpace,
    module_scores: pd.DataFrame,
    effects: pd.DataFrame,
    label_statistics: pd.DataFrame,
    *,
    method: str = "contextual",
    top: int = 2,
    thin: int = 30,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The modules worth a look, and their one-layer neighbours.

    Args:
        space: The search space.
        module_scores: Table `module_scores`: all modules of every unit.
        effects: Table `feature_effects`.
        label_statistics: Table `label_statistics`.
        method: Whose scores.
        top: How many modules of each kind.
        thin: Fewest labelled architectures with which a (unit, layers) cell counts as known.

    Raises:
        ScoringError: A unit has no such module, or there are no scores of the method.

    Returns:
        Cards: target, unit (ranking), kind (of `KINDS`), place (1 is the first of its kind), module, layers, score,
        standard_error, rank, modules (of the unit), expected (on the scores' scale), expected_rank, surprise,
        best_edit, best_difference, worst_edit, worst_difference (None and NaN where a module has no neighbour),
        count (labelled architectures with so many layers in the unit), thin.
        Edits: target, unit, module, edit (in words), kind ("change", "remove" or "add"), position (of the layer in its
        unit, from 0), neighbour (the module it leads to), difference (of scores), neighbour_rank.
    """
    cards, edits = [], []
    scored = module_scores[module_scores["method"] == method]
    if scored.empty:
        raise ScoringError(
            f"insight.cards.method: no scores of {method!r}, only of {sorted(set(module_scores['method']))}"
        )
    for unit in space.ranking_units:
        of_unit = scored[scored["unit"] == unit.number]
        modules: Codes | None = None
        for target, rows in of_unit.groupby("target", sort=False):
            if modules is None:
                modules = _codes(space, unit, rows["module"].tolist())
                index = {module.tobytes(): row for row, module in enumerate(modules)}
            cells = label_statistics[(label_statistics["target"] == target) & (label_statistics["unit"] == unit.number)]
            means = dict(zip(cells["layers"].tolist(), cells["mean"].tolist(), strict=True))
            counts = dict(zip(cells["layers"].tolist(), cells["count"].tolist(), strict=True))
            expected = expected_scores(space, unit, modules, effects[effects["target"] == target], means)
            table = _judged(rows.reset_index(drop=True), expected)
            chosen = _chosen(table, top)
            neighbours = {row: _edits(space, unit, modules, index, row) for row in {row for _, _, row in chosen}}
            for row, found in neighbours.items():
                edits += _edit_rows(table, row, found)
            cards += [_card(table, kind, place, row, neighbours[row], counts, thin) for kind, place, row in chosen]
    return pd.DataFrame(cards), pd.DataFrame(edits)


def layer_cells(label_statistics: pd.DataFrame, space: SearchSpace, *, thin: int) -> pd.DataFrame:
    """How well every (unit, layers) cell is known.

    Returns:
        Columns unit, layers, count (labelled architectures), modules (of the unit with so many layers), thin (fewer
        than `thin` architectures: Eq. 5 and the label means rest on little there).
    """
    cells = label_statistics.groupby(["unit", "layers"], sort=False)["count"].max().reset_index()
    sizes: dict[tuple[int, int], int] = {}
    for unit in space.ranking_units:
        depths, counts = np.unique((unit.module_array() != ABSENT).sum(axis=1), return_counts=True)
        sizes |= {(unit.number, int(d)): int(c) for d, c in zip(depths, counts, strict=True)}
    modules = [sizes[key] for key in zip(cells["unit"].tolist(), cells["layers"].tolist(), strict=True)]
    return cells.assign(modules=modules, thin=cells["count"] < thin)


def _codes(space: SearchSpace, unit: RankingUnit, texts: list[str]) -> Codes:
    """[n, slots] layer codes of modules as tables write them; far faster than to read each."""
    modules = unit.module_array()
    row = {text: place for place, text in enumerate(space.module_json(modules))}
    if unknown := [text for text in texts if text not in row]:
        raise ScoringError(f"module_scores: unit {unit.number} ({unit.name}) has no module {unknown[0]}")
    return modules[[row[text] for text in texts]]


def _judged(rows: pd.DataFrame, expected: NDArray[np.float64]) -> pd.DataFrame:
    score = rows["score"].to_numpy()
    on_scale = expected - expected.mean() + score.mean()
    spread = score.std()
    surprise = (score - on_scale) / spread if spread > 0 else np.zeros_like(score)
    ranks = pd.Series(-on_scale).rank(method="first").astype("int64")
    return rows.assign(expected=on_scale, expected_rank=ranks, surprise=surprise)


def _chosen(table: pd.DataFrame, top: int) -> list[tuple[str, int, int]]:
    """Kind, place and row of every card."""
    by_rank = np.argsort(table["rank"].to_numpy())
    by_surprise = np.argsort(-table["surprise"].abs().to_numpy(), kind="stable")
    orders = {"best": by_rank, "worst": by_rank[::-1], "surprising": by_surprise}
    return [(kind, place + 1, int(row)) for kind in KINDS for place, row in enumerate(orders[kind][:top])]


def _edits(
    space: SearchSpace, unit: RankingUnit, modules: Codes, index: dict[bytes, int], row: int
) -> list[tuple[str, str, int, int]]:
    """Words, kind, position and resulting row of every one-layer neighbour."""
    found: dict[int, tuple[str, str, int]] = {}
    for words, kind, position, module in _one_layer_away(space, unit, modules[row]):
        neighbour = index.get(module.tobytes())
        if neighbour is not None and neighbour != row:
            found.setdefault(neighbour, (words, kind, position))
    return [(*edit, neighbour) for neighbour, edit in found.items()]


def _one_layer_away(space: SearchSpace, unit: RankingUnit, module: Codes) -> Iterator[tuple[str, str, int, Codes]]:
    for part in unit.units:
        columns = slice(part.start - unit.start, part.start - unit.start + part.slots)
        layers = [int(code) for code in module[columns] if code != ABSENT]
        where = f"{part.name} " if len(unit.units) > 1 else ""
        for position, own in enumerate(layers):
            for code in part.codes:
                if code != own:
                    words = f"{where}layer {position}: {_difference(space, own, code)}"
                    yield words, "change", position, _with(module, columns, _put(layers, position, code))
        for position, own in enumerate(layers):
            words = f"{where}without layer {position} ({_layer(space, own)})"
            yield words, "remove", position, _with(module, columns, layers[:position] + layers[position + 1 :])
        if len(layers) < part.slots:
            for position in range(len(layers) + 1):
                for code in part.codes:
                    words = f"{where}{_layer(space, code)} added as layer {position}"
                    longer = [*layers[:position], code, *layers[position:]]
                    yield words, "add", position, _with(module, columns, longer)


def _put(layers: list[int], position: int, code: int) -> list[int]:
    return [*layers[:position], code, *layers[position + 1 :]]


def _with(module: Codes, columns: slice, layers: list[int]) -> Codes:
    changed = module.copy()
    changed[columns] = ABSENT
    changed[columns.start : columns.start + len(layers)] = layers
    return changed


def _difference(space: SearchSpace, before: int, after: int) -> str:
    old, new = dict(space.layers[before]), dict(space.layers[after])
    return ", ".join(f"{name} {old[name]} → {new[name]}" for name in space.features if old[name] != new[name])


def _layer(space: SearchSpace, code: int) -> str:
    layer = dict(space.layers[code])
    values = ((name, layer[name]) for name in space.features)
    return ", ".join(value if isinstance(value, str) else f"{name} {value}" for name, value in values)


def _edit_rows(table: pd.DataFrame, row: int, found: list[tuple[str, str, int, int]]) -> list[dict[str, object]]:
    own, others = table.iloc[row], table.iloc[[other for *_, other in found]]
    key = {"target": own["target"], "unit": int(own["unit"]), "module": own["module"]}
    columns = (others["module"].tolist(), (others["score"] - own["score"]).tolist(), others["rank"].tolist())
    return [
        {
            **key,
            "edit": words,
            "kind": kind,
            "position": position,
            "neighbour": neighbour,
            "difference": difference,
            "neighbour_rank": int(rank),
        }
        for (words, kind, position, _), neighbour, difference, rank in zip(found, *columns, strict=True)
    ]


def _card(
    table: pd.DataFrame,
    kind: str,
    place: int,
    row: int,
    found: list[tuple[str, str, int, int]],
    counts: dict[int, int],
    thin: int,
) -> dict[str, object]:
    own = table.iloc[row]
    rises = (table["score"].to_numpy()[[other for *_, other in found]] - own["score"]).tolist()
    best, worst = (int(np.argmax(rises)), int(np.argmin(rises))) if rises else (None, None)
    columns = ["module", "layers", "score", "standard_error", "rank", "expected", "expected_rank", "surprise"]
    count = counts.get(int(own["layers"]), 0)
    return {
        "target": own["target"],
        "unit": int(own["unit"]),
        "kind": kind,
        "place": place,
        **{name: own[name] for name in columns},
        "modules": len(table),
        "best_edit": None if best is None else found[best][0],
        "best_difference": np.nan if best is None else rises[best],
        "worst_edit": None if worst is None else found[worst][0],
        "worst_difference": np.nan if worst is None else rises[worst],
        "count": count,
        "thin": count < thin,
    }
