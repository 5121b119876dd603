"""Nodes of `ingest`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from autobuild_pipelines.ingestion import RawRecords, ingest_records
from autobuild_pipelines.spaces import SearchSpace
from autobuild_pipelines.targets import Equation


def check_architectures(
    space: SearchSpace,
    raw_samples: RawRecords,
    targets: Mapping[str, str],
    evaluators: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the records that are architectures of the space with the labels that targets and evaluators read.

    Returns:
        Tables `architectures` and `rejected_architectures`.

    Raises:
        IngestError: More records are rejected than `settings` allow, or none has a label that is read.
    """
    read = [column for name, text in targets.items() for column in Equation(name, text).columns]
    read += [metric for metric, source in evaluators.items() if source.get("type") == "table"]
    ingested = ingest_records(space, raw_samples, labels=list(dict.fromkeys(read)), **settings)
    return ingested.architectures, ingested.rejected
