"""Nodes of `evaluate_architectures`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from autobuild_pipelines.evaluators import CombinedEvaluator
from autobuild_pipelines.ingestion import IngestError, RawRecords, ingest_records
from autobuild_pipelines.pipelines.evaluator import metric_sources, with_metrics
from autobuild_pipelines.spaces import SearchSpace


def read_architectures(
    space: SearchSpace, records: RawRecords, settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the records that are architectures of the space; labels may be there or not.

    Returns:
        The architectures, and the rejected records with the reason.

    Raises:
        IngestError: More records are rejected than `settings` allow.
    """
    try:
        ingested = ingest_records(space, records, labels=[], **settings)
    except IngestError as error:
        raise IngestError(f"read as architectures of {space.name!r} (--params space=NAME chooses): {error}") from error
    return ingested.architectures, ingested.rejected


def evaluate_architectures(
    space: SearchSpace, architectures: pd.DataFrame, evaluator: CombinedEvaluator, settings: Mapping[str, Any]
) -> pd.DataFrame:
    """Give every architecture the configured metrics.

    A label of the file that goes by a metric's name is kept as `given_<name>`, for comparison.

    Returns:
        Table `evaluated_architectures`: id, graph features, units, labels of the file, metrics, `metric_sources`.
    """
    given = {metric: f"given_{metric}" for metric in evaluator.metrics if metric in architectures}
    # A table that was evaluated before brings its own `given_...`: what it says now counts.
    kept = architectures.drop(columns=[name for name in given.values() if name in architectures])
    evaluated = with_metrics(space, kept.rename(columns=given), evaluator)
    return evaluated.assign(metric_sources=metric_sources(settings))
