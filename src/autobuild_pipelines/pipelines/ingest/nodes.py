"""Nodes of `ingest`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from autobuild_pipelines.ingestion import RawRecords, ingest_records
from autobuild_pipelines.search import check_problems, read_problems
from autobuild_pipelines.spaces import SearchSpace
from autobuild_pipelines.targets import Equation


def check_architectures(
    space: SearchSpace,
    raw_samples: RawRecords,
    targets: Mapping[str, str],
    evaluators: Mapping[str, Mapping[str, Any]],
    problems: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the records that are architectures of the space with the labels that targets and evaluators read.

    Every later step starts from what this one returns, so what the parameters ask for is checked here, before anything
    is trained.

    Returns:
        Tables `architectures` and `rejected_architectures`.

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
    ingested = ingest_records(space, raw_samples, labels=readers, **settings)
    for equation in equations:
        equation.evaluate(ingested.architectures, ids=ingested.architectures["architecture_id"].tolist())
    return ingested.architectures, ingested.rejected
