"""What the ledger keeps: finished evaluations, each under what its result depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.evaluators.single import ArchitectureEvaluator
from autobuild_pipelines.spaces.architecture import hash_json, to_json


@dataclass(frozen=True)
class LedgerKey:
    """What, besides the architecture, a result depends on.

    Attributes:
        evaluator: Kind of the evaluator.
        settings_hash: Hash of its metrics and settings.
        data_hash: Hash of its weights, images or machine; "" when there are none.
        settings: The metrics and settings as canonical JSON, kept for reading.
    """

    evaluator: str
    settings_hash: str
    data_hash: str
    settings: str = "{}"

    @staticmethod
    def of(source: ArchitectureEvaluator) -> LedgerKey:
        """The key of an evaluator.

        Raises:
            EvaluationError: Its settings are not plain JSON values.
        """
        try:
            settings = to_json({"metrics": list(source.metrics), **source.settings()})
        except (TypeError, ValueError) as error:
            raise EvaluationError(f"evaluator {source.kind!r}: its settings are not plain values: {error}") from None
        return LedgerKey(source.kind, hash_json(settings), source.data_hash(), settings)


@dataclass(frozen=True)
class Evaluation:
    """One finished evaluation.

    Attributes:
        architecture_id: `Architecture.id`.
        metrics: Finite metrics; None if it failed.
        error: Why it failed; None if it did not.
        attempts: How often it was tried.
        seconds: How long the last attempt took.
        worker: The process it ran in.
    """

    architecture_id: str
    metrics: Mapping[str, float] | None
    error: str | None = None
    attempts: int = 1
    seconds: float = 0.0
    worker: str = ""
