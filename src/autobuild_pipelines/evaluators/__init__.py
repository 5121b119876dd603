"""Sources of labels under one protocol."""

from autobuild_pipelines.evaluators.combined import CombinedEvaluator, RenamedEvaluator
from autobuild_pipelines.evaluators.costs import CostEvaluator
from autobuild_pipelines.evaluators.factory import (
    EVALUATOR_TYPES,
    EvaluatorSources,
    EvaluatorType,
    make_evaluators,
    measuring_evaluator,
)
from autobuild_pipelines.evaluators.fan_out import FannedOut, FanOutSettings
from autobuild_pipelines.evaluators.ledger import Evaluation, EvaluationLedger, LedgerKey
from autobuild_pipelines.evaluators.ledger_errors import LedgerError
from autobuild_pipelines.evaluators.predicted import PredictedLabel, PredictedTargets
from autobuild_pipelines.evaluators.protocol import ERROR, EvaluationError, Evaluator, checked_evaluation
from autobuild_pipelines.evaluators.single import ArchitectureEvaluator
from autobuild_pipelines.evaluators.table import TableEvaluator
from autobuild_pipelines.evaluators.tasks import Outcome, run_tasks

__all__ = [
    "ERROR",
    "EVALUATOR_TYPES",
    "ArchitectureEvaluator",
    "CombinedEvaluator",
    "CostEvaluator",
    "Evaluation",
    "EvaluationError",
    "EvaluationLedger",
    "Evaluator",
    "EvaluatorSources",
    "EvaluatorType",
    "FanOutSettings",
    "FannedOut",
    "LedgerError",
    "LedgerKey",
    "Outcome",
    "PredictedLabel",
    "PredictedTargets",
    "RenamedEvaluator",
    "TableEvaluator",
    "checked_evaluation",
    "make_evaluators",
    "measuring_evaluator",
    "run_tasks",
]
