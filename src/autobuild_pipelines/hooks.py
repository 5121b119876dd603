"""Hooks: the MLflow record of every run, and the table printed at its end.

What is recorded of a dataset is said where the dataset is, in the catalog:

    "{space}.predictor_metrics":
      type: ...
      metadata:
        mlflow:
          artifact_path: tables                              # the saved file becomes an artifact; a figure joins the
                                                             # page of its space there
          metrics: {keys: [target, model, split, metric]}    # its cells become metrics, see `table_metrics`
          model: true                                        # predictors become a model with a signature
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import mlflow
import pandas as pd
import yaml
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.io.core import AbstractDataset, AbstractVersionedDataset, get_filepath_str
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro_mlflow.framework.hooks.mlflow_hook import MlflowHook
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from autobuild_pipelines import provenance
from autobuild_pipelines.building import read_reduced_spaces
from autobuild_pipelines.mlflow_record import MlflowRecord
from autobuild_pipelines.reporting import Counts, figures_page, print_constructions, print_methods, print_summary
from autobuild_pipelines.reporting.description import Failure
from autobuild_pipelines.spaces import SearchSpace

DECLARATIONS = ("space", "network", "surrogate")
"""Sections of a space's parameters that describe it at length: kept in `parameters.yml`, not among the parameters."""

NOTE = "mlflow.note.content"
"""The tag whose Markdown MLflow's interface shows as a run's description."""

_COUNTED = ("architectures", "rejected_architectures", "reduced_space")
_METHODS = ("method_comparison", "best_under_caps", "search_times")
_CONSTRUCTED = ("construction_comparison", "pareto_gains")
_SHOWN = (
    "comparison",
    *_CONSTRUCTED,
    "predictor_metrics",
    "verification_metrics",
    "module_leaders",
    *_METHODS,
    *_COUNTED,
)
_BATCH = 100
_MAX_VALUE = 5000

Catalog: TypeAlias = CatalogProtocol[Any, Any]

logger = logging.getLogger(__name__)


class TrackingHooks(MlflowHook):  # type: ignore[misc]
    """kedro-mlflow's run (experiment, start, end, FAILED on an error), and everything that makes it a record.

    Adds to every run: a name that says which pipeline, spaces and environment; git revision; package versions; hashes
    of the raw inputs; flattened parameters of the pipeline's nodes and `parameters.yml` complete; files and metrics of
    every saved dataset whose catalog entry asks for it; at the end a description with the headline numbers, or with
    what failed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._catalog: Catalog | None = None
        self._parameters: dict[str, Any] = {}
        self._context: KedroContext | None = None
        self._save_version: str | None = None
        self._figures: dict[str, dict[str, Any]] = {}
        self._record: MlflowRecord | None = None
        self._failed_node = ""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Set MLflow up as mlflow.yml says and keep the context."""
        super().after_context_created(context=context)
        self._context = context

    @hook_impl
    def after_catalog_created(self, catalog: Catalog, parameters: dict[str, Any], save_version: str | None) -> None:
        """Keep the catalog (to find saved files) without building its entries, as kedro-mlflow would."""
        self._catalog = catalog
        self._parameters = parameters
        self._save_version = save_version
        self._figures = {}
        self._record, self._failed_node = None, ""

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: Catalog) -> None:
        """Start the run and record where it comes from."""
        spaces = sorted({name.split(".")[0] for name in pipeline.datasets() if "." in name and ":" not in name})
        environment = str(run_params.get("env") or "base")
        names = provenance.pipeline_names(run_params, pipelines) or ["__default__"]
        names = [name.replace("__default__", "autobuild_nas") for name in names]
        runtime_params = run_params.get("runtime_params") or {}
        record = MlflowRecord("+".join(names), spaces, environment, runtime_params, self._parameters["parameters"])
        self.mlflow_config.tracking.run.name = record.name
        super().before_pipeline_run(run_params=run_params, pipeline=pipeline, catalog=catalog)
        if not self._recording:
            return
        self._record = record
        atexit.register(_mark_killed, self.run_id)
        root = Path(run_params["project_path"])
        revision, dirty = provenance.git_revision(root)
        tags = {
            **record.tags,
            "runtime_params": str(runtime_params),
            "conf_source": str(getattr(getattr(self._context, "config_loader", None), "conf_source", "")),
            "save_version": str(self._save_version),
            "git_revision": revision,
            "git_dirty": str(dirty).lower(),
            **{f"version.{name}": version for name, version in provenance.package_versions().items()},
        }
        parameters = provenance.flatten(_read_parameters(pipeline, self._parameters))
        self._client.log_batch(self.run_id, tags=[RunTag(name, text) for name, text in tags.items()])
        self._log_parameters(parameters)
        self._client.log_text(
            self.run_id, yaml.safe_dump(self._parameters["parameters"], sort_keys=False), "parameters.yml"
        )
        self._client.log_text(self.run_id, provenance.environment(), "environment.txt")

    @hook_impl
    def before_node_run(self) -> None:
        """Nothing: parameters are recorded once, before the run, and no node touches MLflow."""

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Record the hash of a raw input whose catalog entry says `mlflow: {hash: true}`."""
        if not self._recording or not (found := self._described(dataset_name)):
            return
        if found[1].get("hash") and (digest := getattr(data, "sha256", None)):
            self._client.set_tag(self.run_id, f"data_sha256.{dataset_name}", digest)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Record the file and the metrics of a dataset, as its catalog entry says."""
        if not self._recording or self._record is None or not (found := self._described(dataset_name)):
            return
        dataset, settings = found
        space, _, name = dataset_name.rpartition(".")
        self._record.saved(space, name, data)
        if settings.get("model"):
            self._record.keep_model(dataset_name, data)
        folder = "/".join(part for part in (settings.get("artifact_path"), space) if part)
        if "artifact_path" in settings and hasattr(data, "write_html"):  # a plotly figure
            self._figures.setdefault(folder, {})[name] = data
        elif "artifact_path" in settings and (path := saved_path(dataset)):
            self._log_file(str(Path(path).parent) if settings.get("folder") else path, folder, name)
        if "metrics" in settings and isinstance(data, pd.DataFrame):
            self._log_metrics(provenance.table_metrics(space, data, settings["metrics"]))

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: Catalog) -> None:
        """Record figures, models and what was found, and end the run."""
        self._finish()
        super().after_pipeline_run(run_params=run_params, pipeline=pipeline, catalog=catalog)

    @hook_impl
    def on_node_error(self, node: Node) -> None:
        """Note which node failed."""
        self._failed_node = node.name

    @hook_impl
    def on_pipeline_error(
        self, error: Exception, run_params: dict[str, Any], pipeline: Pipeline, catalog: Catalog
    ) -> None:
        """Record figures and models so far and what failed, and end the run as FAILED."""
        self._finish(Failure(self._failed_node, error))
        super().on_pipeline_error(error=error, run_params=run_params, pipeline=pipeline, catalog=catalog)

    def _finish(self, failure: Failure | None = None) -> None:
        """Record what is known at the end of a run; what goes wrong here is told, and no reason for it to fail."""
        if not self._recording or self._record is None:
            return
        try:
            self._client.set_tag(self.run_id, NOTE, self._record.description(failure))
            self._log_metrics(provenance.MetricPoint(n, value, 0) for n, value in self._record.headlines().items())
            self._log_figures()
            self._record.log_models()
        except Exception:
            logger.exception("The run's description, figures or models are not complete in MLflow")

    @property
    def _recording(self) -> bool:
        return bool(self._is_mlflow_enabled and self.run_id)

    @property
    def _client(self) -> MlflowClient:
        client: MlflowClient = self.mlflow_config.server._mlflow_client
        return client

    def _described(self, dataset_name: str) -> tuple[AbstractDataset[Any, Any], Mapping[str, Any]] | None:
        """The dataset and its `metadata: {mlflow: ...}`, when it has any."""
        if self._catalog is None or dataset_name not in self._catalog:
            return None
        dataset = self._catalog.get(dataset_name)
        settings = (getattr(dataset, "metadata", None) or {}).get("mlflow")
        return (dataset, settings) if dataset is not None and settings else None

    def _log_file(self, path: str, folder: str, name: str) -> None:
        local = Path(path.removeprefix("file://"))
        if not local.exists():
            logger.warning("%s is not a local file: it is not copied to MLflow", path)
        elif local.is_dir():
            self._client.log_artifacts(self.run_id, str(local), f"{folder}/{name}")
        else:
            self._client.log_artifact(self.run_id, str(local), folder)

    def _log_figures(self) -> None:
        """One page for the figures of each space, which MLflow's interface shows without a network."""
        for folder, figures in self._figures.items():
            self._client.log_text(self.run_id, figures_page(folder, figures), f"{folder}.html")
        self._figures = {}

    def _log_parameters(self, parameters: Mapping[str, str]) -> None:
        short = [Param(name, text[:_MAX_VALUE]) for name, text in parameters.items()]
        for start in range(0, len(short), _BATCH):
            self._client.log_batch(self.run_id, params=short[start : start + _BATCH])

    def _log_metrics(self, points: Iterable[provenance.MetricPoint]) -> None:
        now = int(time.time() * 1000)
        metrics = [Metric(point.name, point.value, now, point.step) for point in points]
        for start in range(0, len(metrics), 1000):
            self._client.log_batch(self.run_id, metrics=metrics[start : start + 1000])


class ProgressHooks:
    """One line a node: which of how many, and its name. Kedro's own lines (conf/logging.yml) repeat all inputs."""

    def __init__(self) -> None:
        self._nodes = self._started = 0
        self._start = 0.0

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Count the nodes."""
        self._nodes, self._started, self._start = len(pipeline.nodes), 0, time.monotonic()

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Say which node starts."""
        self._started += 1
        logger.info("[%d/%d] %s", self._started, self._nodes, node.name)

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        """Say how long it took."""
        logger.info("%d nodes in %.1f s", self._nodes, time.monotonic() - self._start)


class SummaryHooks:
    """Prints what a run found and where it lies."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._places: dict[str, str] = {}
        self._tables: dict[str, pd.DataFrame] = {}

    @hook_impl
    def after_catalog_created(self, catalog: Catalog) -> None:
        """Keep the catalog, to find the files."""
        self._catalog, self._places, self._tables = catalog, {}, {}

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Note where a dataset went, and keep the tables that the summary shows."""
        dataset = (
            self._catalog.get(dataset_name) if self._catalog is not None and dataset_name in self._catalog else None
        )
        if dataset is None or not (path := saved_path(dataset)):
            return
        self._places[dataset_name] = path
        if dataset_name.rpartition(".")[2] in _SHOWN:
            self._tables[dataset_name] = data

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], catalog: Catalog) -> None:
        """Print the comparison of every space that the run compared, else just where things lie."""
        places = {
            name: _relative(path, Path(run_params["project_path"])) for name, path in sorted(self._places.items())
        }
        methods, caps, times = (self._of_kind(kind) for kind in _METHODS)
        if methods and methods.keys() == caps.keys() == times.keys():
            print_methods(methods, caps, times)
        comparisons = self._of_kind("comparison")
        constructions, gains = (self._of_kind(kind) for kind in _CONSTRUCTED)
        if constructions:
            spaces = {space: catalog.load(f"{space}.search_space") for space in constructions}
            print_constructions(constructions, gains, spaces, {} if comparisons else places)
        if not comparisons and not constructions:
            for name, path in places.items():
                logger.info("%s: %s", name, path)
            return
        if not comparisons:
            return
        counts = {space: self._counts(space, catalog.load(f"{space}.search_space")) for space in comparisons}
        print_summary(
            comparisons,
            places,
            predictor_metrics=self._of_kind("predictor_metrics"),
            counts={space: count for space, count in counts.items() if count is not None},
            verifications=self._of_kind("verification_metrics"),
            leaders=self._of_kind("module_leaders"),
        )

    def _of_kind(self, kind: str) -> dict[str, pd.DataFrame]:
        """Space to its table of one kind."""
        return {n.rpartition(".")[0]: table for n, table in self._tables.items() if n.rpartition(".")[2] == kind}

    def _counts(self, space: str, search_space: SearchSpace) -> Counts | None:
        tables = {kind: self._tables.get(f"{space}.{kind}") for kind in _COUNTED}
        architectures, rejected, reduced = tables.values()
        if architectures is None or rejected is None or reduced is None:
            return None
        read = read_reduced_spaces(search_space, reduced)
        sizes = {f"{problem} {method}": part.size for (problem, method), part in read.items()}
        return Counts(len(architectures), len(rejected), search_space.module_count, search_space.size, sizes)


def saved_path(dataset: AbstractDataset[Any, Any]) -> str | None:
    """The file or folder that a dataset last saved (or reads), None when it lives in memory."""
    path = getattr(dataset, "_filepath", None)
    if path is None:
        return None
    protocol = str(getattr(dataset, "_protocol", "file") or "file")
    if isinstance(dataset, AbstractVersionedDataset) and dataset._version:
        path = dataset._get_versioned_path(str(dataset.resolve_save_version()))
    return get_filepath_str(PurePosixPath(path), protocol)


def _read_parameters(pipeline: Pipeline, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that the pipeline's nodes read, without the long descriptions of a space."""
    names = sorted(name for name in pipeline.inputs() if name.startswith("params:"))
    return {
        name.removeprefix("params:"): parameters[name]
        for name in names
        if name in parameters and name.rpartition(".")[2] not in DECLARATIONS
    }


def _relative(path: str, root: Path) -> str:
    with contextlib.suppress(ValueError):
        return Path(path).relative_to(root).as_posix()
    return path


def _mark_killed(run_id: str) -> None:
    """End a run that is still open when the process ends (Ctrl-C) as KILLED; MLflow by itself would say FINISHED."""
    run = mlflow.active_run()
    if run is not None and run.info.run_id == run_id:
        mlflow.end_run("KILLED")
