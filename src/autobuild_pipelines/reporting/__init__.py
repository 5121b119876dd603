"""Figures and the printed summary of a run: tables in, plotly figures and rich tables out."""

from autobuild_pipelines.reporting.anytime_figure import anytime_figure
from autobuild_pipelines.reporting.architecture_diagrams_figure import architecture_diagrams_figure
from autobuild_pipelines.reporting.construction_figure import construction_figure
from autobuild_pipelines.reporting.construction_summary import print_constructions
from autobuild_pipelines.reporting.effects_by_place_figure import effects_by_place_figure
from autobuild_pipelines.reporting.feature_importance_figure import feature_importance_figure
from autobuild_pipelines.reporting.fine_tuned_figure import fine_tuned_figure
from autobuild_pipelines.reporting.hypervolume_figure import hypervolume_figure, hypervolume_history
from autobuild_pipelines.reporting.importance_stability_figure import importance_stability_figure
from autobuild_pipelines.reporting.importances_figure import importances_figure
from autobuild_pipelines.reporting.label_statistics_figure import label_statistics_figure
from autobuild_pipelines.reporting.methods_table import methods_figure, print_methods
from autobuild_pipelines.reporting.module_cards_figure import module_cards_figure
from autobuild_pipelines.reporting.module_diagrams_figure import module_diagrams_figure
from autobuild_pipelines.reporting.module_scores_figure import module_scores_figure
from autobuild_pipelines.reporting.page import figures_page
from autobuild_pipelines.reporting.pareto_figure import pareto_figure
from autobuild_pipelines.reporting.predictions_figure import predictions_figure
from autobuild_pipelines.reporting.spearman_figure import spearman_figure
from autobuild_pipelines.reporting.summary import Counts, print_summary
from autobuild_pipelines.reporting.training_figure import training_figure
from autobuild_pipelines.reporting.verification_figure import verification_figure

__all__ = [
    "Counts",
    "anytime_figure",
    "architecture_diagrams_figure",
    "construction_figure",
    "effects_by_place_figure",
    "feature_importance_figure",
    "figures_page",
    "fine_tuned_figure",
    "hypervolume_figure",
    "hypervolume_history",
    "importance_stability_figure",
    "importances_figure",
    "label_statistics_figure",
    "methods_figure",
    "module_cards_figure",
    "module_diagrams_figure",
    "module_scores_figure",
    "pareto_figure",
    "predictions_figure",
    "print_constructions",
    "print_methods",
    "print_summary",
    "spearman_figure",
    "training_figure",
    "verification_figure",
]
