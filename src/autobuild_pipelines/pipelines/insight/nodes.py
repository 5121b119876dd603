"""Nodes of `insight`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from autobuild_pipelines.pipelines.scoring.contexts import scoring_contexts, training_architectures
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.reporting import (
    effects_by_place_figure,
    importance_stability_figure,
    importances_figure,
    module_cards_figure,
)
from autobuild_pipelines.scoring import (
    context_effects,
    effect_shares,
    feature_effects,
    importance_order,
    importance_stability,
    importances,
    layer_cells,
    module_cards,
)
from autobuild_pipelines.spaces import SearchSpace


def measure_effects(
    space: SearchSpace,
    predictors: TrainedPredictors,
    graphs: Mapping[str, NDArray[np.int16]],
    targets: Mapping[str, str],
    scoring: Mapping[str, Any],
    predictor_settings: Mapping[str, Any],
    seed: int,
) -> pd.DataFrame:
    """What every value of every feature does to predictions, in the contexts that module scores are measured in."""
    training = training_architectures(graphs, predictor_settings, seed)
    contexts = scoring_contexts(space, training, scoring, seed)
    return context_effects(predictors.require(space).only(list(targets)), contexts, training, seed=seed)


def summarise_effects(effects: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects by unit and position, by unit and in the whole space; what they come to by feature, unit, position."""
    return feature_effects(effects), effect_shares(effects)


def compare_importances(
    space: SearchSpace,
    importance: pd.DataFrame,
    effects: pd.DataFrame,
    targets: Mapping[str, str],
    settings: Mapping[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Scalars and effects in one table, how stable their orders are, and where the two orders disagree."""
    table = importances(space, importance[importance["target"].isin(list(targets))], effects)
    return table, importance_stability(table), importance_order(table, effects, confidence=settings["confidence"])


def make_cards(
    space: SearchSpace,
    module_scores: pd.DataFrame,
    effects: pd.DataFrame,
    label_statistics: pd.DataFrame,
    settings: Mapping[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The best, worst and most surprising modules, what changing one layer of them does, and which cells are thin."""
    thin = settings["thin"]
    cards, edits = module_cards(
        space,
        module_scores,
        effects,
        label_statistics,
        method=settings["cards"]["method"],
        top=settings["cards"]["top"],
        thin=thin,
    )
    return cards, edits, layer_cells(label_statistics, space, thin=thin)


def draw_insight(
    space: SearchSpace,
    table: pd.DataFrame,
    order: pd.DataFrame,
    stability: pd.DataFrame,
    effects: pd.DataFrame,
    label_kind: str,
) -> tuple[go.Figure, go.Figure, go.Figure]:
    """Importances beside effects (Figs. 3, 9, 10), how far predictors agree, and effects by place."""
    look = {"label_kind": label_kind, "space": space.declaration.title or space.name}
    return (
        importances_figure(table, order, **look),
        importance_stability_figure(stability, **look),
        effects_by_place_figure(effects, space, label_kind=label_kind),
    )


def draw_cards(
    space: SearchSpace, cards: pd.DataFrame, cells: pd.DataFrame, settings: Mapping[str, Any], label_kind: str
) -> go.Figure:
    """Modules as blocks, with their ranks and edits."""
    return module_cards_figure(cards, cells, space, label_kind=label_kind, colour=settings["cards"]["colour"])
