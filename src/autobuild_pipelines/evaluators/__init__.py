"""Sources of labels under one protocol."""

from autobuild_pipelines.evaluators.combined import CombinedEvaluator, RenamedEvaluator
from autobuild_pipelines.evaluators.costs import CostEvaluator
from autobuild_pipelines.evaluators.factory import EVALUATOR_TYPES, EvaluatorSources, EvaluatorType, make_evaluators
from autobuild_pipelines.evaluators.predicted import PredictedLabel, PredictedTargets
from autobuild_pipelines.evaluators.protocol import EvaluationError, Evaluator, checked_evaluation
from autobuild_pipelines.evaluators.table import TableEvaluator

__all__ = [
    "EVALUATOR_TYPES",
    "CombinedEvaluator",
    "CostEvaluator",
    "EvaluationError",
    "Evaluator",
    "EvaluatorSources",
    "EvaluatorType",
    "PredictedLabel",
    "PredictedTargets",
    "RenamedEvaluator",
    "TableEvaluator",
    "checked_evaluation",
    "make_evaluators",
]
