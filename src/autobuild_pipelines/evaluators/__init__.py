"""Sources of labels under one protocol."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autobuild_pipelines.evaluators.combined import CombinedEvaluator, RenamedEvaluator
from autobuild_pipelines.evaluators.fan_out import FannedOut, FanOutSettings
from autobuild_pipelines.evaluators.ledger import Evaluation, EvaluationLedger, LedgerKey
from autobuild_pipelines.evaluators.ledger_errors import LedgerError
from autobuild_pipelines.evaluators.protocol import ERROR, EvaluationError, Evaluator, checked_evaluation
from autobuild_pipelines.evaluators.single import ArchitectureEvaluator
from autobuild_pipelines.evaluators.table import TableEvaluator
from autobuild_pipelines.evaluators.tasks import Outcome, run_tasks

if TYPE_CHECKING:
    from autobuild_pipelines.evaluators.costs import CostEvaluator
    from autobuild_pipelines.evaluators.factory import (
        EVALUATOR_TYPES,
        EvaluatorSources,
        EvaluatorType,
        make_evaluators,
        measuring_evaluator,
    )
    from autobuild_pipelines.evaluators.predicted import PredictedLabel, PredictedTargets

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

# What knows torch is imported when it is asked for: workers of a fan-out start without it.
_LATER = {
    "CostEvaluator": "costs",
    "EVALUATOR_TYPES": "factory",
    "EvaluatorSources": "factory",
    "EvaluatorType": "factory",
    "PredictedLabel": "predicted",
    "PredictedTargets": "predicted",
    "make_evaluators": "factory",
    "measuring_evaluator": "factory",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return __all__
