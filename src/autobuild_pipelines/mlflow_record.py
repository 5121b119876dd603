"""What stands on top of a run's record in MLflow: its name, what it was about, what it found, and its models."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from autobuild_pipelines import provenance
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.reporting.description import TOLD, Failure, SpaceRecord, describe_run, headlines

HEADLINE = "headline"
"""Starts the names of the few metrics that tell of a whole run."""

_LONGEST_NAME = 150

logger = logging.getLogger(__name__)


class MlflowRecord:
    """Gathers what a run saves, and tells of it at the end.

    Args:
        job: The pipelines, as they are called on the command line.
        spaces: The spaces that the run is about.
        environment: The environment of the configuration.
        runtime_params: What `--params` said.
        parameters: All parameters, by space.
    """

    def __init__(
        self,
        job: str,
        spaces: Iterable[str],
        environment: str,
        runtime_params: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> None:
        self.job, self.spaces, self.environment = job, sorted(spaces), environment
        self._runtime_params = runtime_params
        self._parameters = {space: parameters.get(space) or {} for space in self.spaces}
        self._saved: dict[str, list[str]] = {space: [] for space in self.spaces}
        self._tables: dict[str, dict[str, pd.DataFrame]] = {space: {} for space in self.spaces}
        self._predictors: dict[str, TrainedPredictors] = {}

    @property
    def name(self) -> str:
        """Pipelines, spaces, environment, and what was set on the command line: what tells two runs apart in a list."""
        changed = {key: text for key, text in provenance.flatten(self._runtime_params).items() if key != "space"}
        parts = [self.job, "+".join(self.spaces), f"({self.environment})", *(f"{k}={v}" for k, v in changed.items())]
        name = " ".join(part for part in parts if part)
        return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 2] + " …"

    @property
    def tags(self) -> dict[str, str]:
        """By which runs are found: pipeline, environment, spaces, targets, and the kind of the labels."""
        targets = (name for values in self._parameters.values() for name in values.get("targets") or ())
        kinds = (str(values["label_kind"]) for values in self._parameters.values() if "label_kind" in values)
        return {
            "pipeline": self.job,
            "env": self.environment,
            "spaces": ",".join(self.spaces),
            "targets": ",".join(dict.fromkeys(map(str, targets))),
            "label_kind": ",".join(dict.fromkeys(kinds)),
        }

    def saved(self, space: str, name: str, data: Any) -> None:
        """Note a dataset that was saved."""
        if space not in self._saved:
            return
        self._saved[space].append(name)
        if name in TOLD and isinstance(data, pd.DataFrame):
            self._tables[space][name] = data

    def keep_model(self, name: str, data: Any) -> None:
        """Note predictors that are to be a model of the run."""
        if isinstance(data, TrainedPredictors):
            self._predictors[name] = data

    def description(self, failure: Failure | None = None) -> str:
        """Headline numbers in Markdown."""
        return describe_run(self._records(), failure=failure)

    def headlines(self) -> dict[str, float]:
        """Headline numbers as metrics."""
        found = [headlines(space, record) for space, record in self._records().items()]
        return {provenance.metric_name(f"{HEADLINE}/{name}"): value for part in found for name, value in part.items()}

    def log_models(self) -> None:
        """Log the predictors to the active MLflow run, each space's as one model."""
        from autobuild_pipelines.datasets import predictor_model

        versions = provenance.versions(predictor_model.REQUIREMENTS)
        requirements = [f"{name}=={version.partition('+')[0]}" for name, version in versions.items()]
        for name, predictors in self._predictors.items():
            with tempfile.TemporaryDirectory() as folder:
                files = Path(folder) / predictor_model.FILES
                files.mkdir()
                predictor_model.log_model(predictors, name.replace(".", "_"), files, requirements)

    def _records(self) -> dict[str, SpaceRecord]:
        return {
            space: SpaceRecord(
                title=str((values.get("space") or {}).get("title") or space),
                label_kind=str(values.get("label_kind", "")),
                tables=self._tables[space],
                saved=self._saved[space],
            )
            for space, values in self._parameters.items()
        }
