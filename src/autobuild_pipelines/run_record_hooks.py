"""Hooks that tell the dataset `run_record` what the run is: its command, code, versions and how long nodes take."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from autobuild_pipelines import provenance
from autobuild_pipelines.datasets.run_record import RunRecordDataset
from autobuild_pipelines.reporting.report import RunRecord

RUN_RECORD = "run_record"
STEP = "reporting"
"""The step that makes the report: a run of nothing else rebuilds it."""
_OPTIONS = ("namespaces", "tags", "node_names", "from_nodes", "to_nodes", "from_inputs", "to_outputs")
_SPELLED = {"node_names": "nodes"}


class MissingResultError(ValueError):
    """A report cannot be made from what has been saved; the message says what is missing and what makes it."""


class RunRecordHooks:
    """Notes the run for its report, where the pipeline reads the record."""

    def __init__(self) -> None:
        self._save_version = ""
        self._record: RunRecordDataset | None = None
        self._started: dict[str, float] = {}

    @hook_impl
    def after_catalog_created(self, save_version: str | None) -> None:
        """Keep the version of what the run saves."""
        self._save_version, self._record = str(save_version or ""), None

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Begin the record, and stop before anything starts where a report alone lacks a result.

        Raises:
            MissingResultError: Names the result and the pipeline that makes it.
        """
        if RUN_RECORD not in pipeline.inputs():
            return
        alone = all(STEP in (node.namespace or STEP) for node in pipeline.nodes)
        if alone:
            check_saved(pipeline, catalog, pipelines)
        dataset = catalog.get(RUN_RECORD)
        if not isinstance(dataset, RunRecordDataset):
            return
        self._record, self._started = dataset, {}
        revision, dirty = provenance.git_revision(Path(run_params["project_path"]))
        dataset.note(
            RunRecord(
                command=command_line(run_params),
                environment=str(run_params.get("env") or "base"),
                save_version=self._save_version,
                git_revision=revision,
                git_dirty=dirty,
                rebuilt=alone,
                versions=provenance.package_versions(),
            )
        )

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Start the node's clock."""
        self._started[node.name] = time.monotonic()

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Note how long it took."""
        if self._record is not None and node.name in self._started:
            self._record.note_node(node.name, time.monotonic() - self._started[node.name])


def check_saved(
    pipeline: Pipeline, catalog: CatalogProtocol[Any, Any], registered: Mapping[str, Pipeline | None]
) -> None:
    """See that every result that a pipeline reads has been saved.

    Raises:
        MissingResultError: Names the first that has not, and the smallest pipeline that makes it.
    """
    known = {name: found for name, found in registered.items() if found is not None}
    for dataset in sorted(pipeline.inputs()):
        makers = [name for name, found in known.items() if dataset in found.all_outputs()]
        if makers and not catalog.exists(dataset):
            maker = min(makers, key=lambda name: len(known[name].nodes))
            raise MissingResultError(
                f"there is no {dataset}, which the report needs: `kedro run --pipeline={maker}` makes it, a whole job "
                "ends with its report"
            )


def command_line(run_params: Mapping[str, Any]) -> str:
    """The `kedro run` of a session's `run_params`."""
    return shlex.join(["kedro", "run", *_arguments(run_params)])


def _arguments(run_params: Mapping[str, Any]) -> Iterator[str]:
    names = [name for name in provenance.pipeline_names(run_params, pipelines) if name != "__default__"]
    if names:
        yield f"--pipeline{'s' if len(names) > 1 else ''}={','.join(names)}"
    if env := run_params.get("env"):
        yield f"--env={env}"
    if source := run_params.get("conf_source"):
        yield f"--conf-source={source}"
    for option in _OPTIONS:
        if chosen := run_params.get(option):
            yield f"--{_SPELLED.get(option, option).replace('_', '-')}={','.join(map(str, chosen))}"
    if given := provenance.flatten(run_params.get("runtime_params") or {}):
        yield f"--params={','.join(f'{name}={value}' for name, value in given.items())}"
