"""Which modules make a network good: label statistics, Eq. 5, norms and contextual scores, and how sure they are."""

from autobuild_pipelines.scoring.contexts import choose_contexts, contexts_with
from autobuild_pipelines.scoring.contextual import contextual_scores
from autobuild_pipelines.scoring.embedding_norm import embedding_norm_scores
from autobuild_pipelines.scoring.eq5 import eq5_scores, root_norms
from autobuild_pipelines.scoring.errors import ScoringError
from autobuild_pipelines.scoring.exhaustive import BestPredicted, exhaustive_search, predict_all
from autobuild_pipelines.scoring.feature_effects import (
    context_effects,
    effect_shares,
    feature_effects,
    member_effects,
)
from autobuild_pipelines.scoring.feature_importance import category_importance, feature_importance, value_importance
from autobuild_pipelines.scoring.importance_comparison import importance_order, importance_stability, importances
from autobuild_pipelines.scoring.label_statistics import label_statistics
from autobuild_pipelines.scoring.leaders import module_leaders
from autobuild_pipelines.scoring.module_cards import layer_cells, module_cards
from autobuild_pipelines.scoring.module_scores import METHODS, score_modules
from autobuild_pipelines.scoring.uncertainty import Uncertainty, UncertaintyError, rank_intervals, uncertainty

__all__ = [
    "METHODS",
    "BestPredicted",
    "ScoringError",
    "Uncertainty",
    "UncertaintyError",
    "category_importance",
    "choose_contexts",
    "context_effects",
    "contexts_with",
    "contextual_scores",
    "effect_shares",
    "embedding_norm_scores",
    "eq5_scores",
    "exhaustive_search",
    "feature_effects",
    "feature_importance",
    "importance_order",
    "importance_stability",
    "importances",
    "label_statistics",
    "layer_cells",
    "member_effects",
    "module_cards",
    "module_leaders",
    "predict_all",
    "rank_intervals",
    "root_norms",
    "score_modules",
    "uncertainty",
    "value_importance",
]
