"""Which modules make a network good: label statistics, Eq. 5 and contextual scores, and how sure they are."""

from autobuild_pipelines.scoring.contextual import contextual_scores
from autobuild_pipelines.scoring.eq5 import ScoringError, eq5_scores, root_norms
from autobuild_pipelines.scoring.feature_importance import category_importance, feature_importance, value_importance
from autobuild_pipelines.scoring.label_statistics import label_statistics
from autobuild_pipelines.scoring.leaders import module_leaders
from autobuild_pipelines.scoring.module_scores import choose_contexts, score_modules
from autobuild_pipelines.scoring.uncertainty import Uncertainty, UncertaintyError, rank_intervals, uncertainty

__all__ = [
    "ScoringError",
    "Uncertainty",
    "UncertaintyError",
    "category_importance",
    "choose_contexts",
    "contextual_scores",
    "eq5_scores",
    "feature_importance",
    "label_statistics",
    "module_leaders",
    "rank_intervals",
    "root_norms",
    "score_modules",
    "uncertainty",
    "value_importance",
]
