"""Nodes of `ingest`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from autobuild_pipelines.evaluators import CombinedEvaluator
from autobuild_pipelines.evaluators.protocol import ERROR
from autobuild_pipelines.ingestion import RawRecords, ingest_records
from autobuild_pipelines.pipelines.evaluator import with_metrics
from autobuild_pipelines.search import check_problems, read_problems
from autobuild_pipelines.spaces import SearchSpace
from autobuild_pipelines.targets import Equation

logger = logging.getLogger(__name__)


def check_architectures(
    space: SearchSpace,
    raw_samples: RawRecords,
    targets: Mapping[str, str],
    evaluators: Mapping[str, Mapping[str, Any]],
    problems: Mapping[str, Any],
    given_labels: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the records that are architectures of the space with the labels that targets and evaluators read.

    Every later step starts from what this one returns, so what the parameters ask for is checked here, before anything
    is trained. Labels that `given_labels` gives need not be in the file (see `label_architectures`).

    Returns:
        Tables `architectures` (`ingested_architectures`, where labels are given) and `rejected_architectures`.

    Raises:
        IngestError: More records are rejected than `settings` allow, or none has a label that is read.
        EquationError: A target is no equation, or not finite for an architecture.
        SearchError: A problem names a target, metric, restriction or graph feature that there is not.
    """
    equations = [Equation(name, text) for name, text in targets.items()]
    readers: dict[str, str] = {}
    for equation in equations:
        for label in equation.columns:
            readers.setdefault(label, f"target {equation.name!r} ({equation.text})")
    for metric, source in evaluators.items():
        if isinstance(source, Mapping) and source.get("type") == "table":
            readers.setdefault(source.get("column", metric), f"evaluator {metric!r}")
    check_problems(space, read_problems(problems), targets=list(targets), metrics=list(evaluators))
    of_file = {label: reader for label, reader in readers.items() if label not in given_labels}
    ingested = ingest_records(space, raw_samples, labels=of_file, **settings)
    _check_targets([e for e in equations if not set(e.columns) & set(given_labels)], ingested.architectures)
    return ingested.architectures, ingested.rejected


def check_fine_tuned_architectures(
    space: SearchSpace, raw_fine_tuned_samples: RawRecords, problems: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the records of the second set that are architectures of the space with the labels that objectives read.

    Returns:
        Tables `fine_tuned_architectures` and `rejected_fine_tuned_architectures`.

    Raises:
        IngestError: More records are rejected than `settings` allow, or none has a label that is read.
        EquationError: An objective is not finite for an architecture.
    """
    read = read_problems(problems)
    readers: dict[str, str] = {}
    for problem in read:
        for label in problem.metrics:
            readers.setdefault(label, f"problem {problem.name!r}")
    ingested = ingest_records(space, raw_fine_tuned_samples, labels=readers, **settings)
    for problem in read:
        problem.evaluate(ingested.architectures)
    return ingested.architectures, ingested.rejected


def label_architectures(
    space: SearchSpace, architectures: pd.DataFrame, evaluator: CombinedEvaluator, targets: Mapping[str, str]
) -> pd.DataFrame:
    """Give ingested architectures the labels that the parameter `labels` names, in place of the file's.

    Architectures that could not be evaluated are left out, with a warning.

    Returns:
        Table `architectures`.

    Raises:
        EquationError: A target is not finite for an architecture.
    """
    labelled = with_metrics(space, architectures, evaluator)
    if ERROR in labelled:
        failed = labelled.pop(ERROR)
        if failed.notna().any():
            errors = failed.dropna()
            logger.warning("%d architectures have no label and are left out: %s", len(errors), errors.iloc[0])
        labelled = labelled[failed.isna()].reset_index(drop=True)
    _check_targets([Equation(name, text) for name, text in targets.items()], labelled)
    return labelled


def _check_targets(equations: Sequence[Equation], architectures: pd.DataFrame) -> None:
    for equation in equations:
        equation.evaluate(architectures, ids=architectures["architecture_id"].tolist())
