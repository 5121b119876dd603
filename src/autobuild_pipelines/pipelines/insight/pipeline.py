"""Pipeline `insight`: why these modules."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.draw_built.pipeline import weigh_features_node
from autobuild_pipelines.pipelines.insight.nodes import (
    compare_importances,
    draw_cards,
    draw_insight,
    make_cards,
    measure_effects,
    summarise_effects,
)


def create_pipeline() -> Pipeline:
    """Predictors, module scores and label statistics → effects, importances beside them, module cards, figures."""
    settings = ["params:targets", "params:scoring", "params:predictors", "params:seed"]
    return Pipeline(
        [
            node(
                measure_effects,
                ["search_space", "predictors", "graphs", *settings],
                "context_effects",
                name="measure_effects",
            ),
            node(summarise_effects, "context_effects", ["feature_effects", "effect_shares"], name="summarise_effects"),
            weigh_features_node(),
            node(
                compare_importances,
                ["search_space", "feature_importance", "context_effects", "params:targets", "params:insight"],
                ["importances", "importance_stability", "importance_order"],
                name="compare_importances",
            ),
            node(
                make_cards,
                ["search_space", "module_scores", "feature_effects", "label_statistics", "params:insight"],
                ["module_cards", "module_edits", "layer_cells"],
                name="make_cards",
            ),
            node(
                draw_insight,
                [
                    *("search_space", "importances", "importance_order", "importance_stability", "feature_effects"),
                    "params:label_kind",
                ],
                ["importances_figure", "feature_importance_stability_figure", "effects_by_place_figure"],
                name="draw_insight",
            ),
            node(
                draw_cards,
                ["search_space", "module_cards", "layer_cells", "params:insight", "params:label_kind"],
                "module_cards_figure",
                name="draw_cards",
            ),
        ]
    )
