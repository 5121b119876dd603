"""Which pipelines there are, and what their nodes read."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kedro.framework.hooks.manager import _NullPluginManager
from kedro.framework.project import configure_project, pipelines
from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Pipeline

from autobuild_pipelines import context as context_module
from autobuild_pipelines.config import ConfigError, LayeredConfigLoader
from autobuild_pipelines.context import SpacesContext, registered
from autobuild_pipelines.pipeline_registry import MAIN
from autobuild_pipelines.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).resolve().parents[1]
BESIDE = {
    "compare_built",
    "draw_built",
    "exhaustive_search",
    "design_targets",
    "compare_methods",
    "evaluate_architectures",
    "latency_predictors",
    "make_sample",
    "measure_latency",
    "measure_layer_latency",
    "verification",
    "ir_insight",
}

JOBS = {"panoptic": {"ofa_mbv3_panoptic", "ofa_pn_panoptic"}, "sd_inpainting": {"sd_fid", "sd_hardware"}}

MINE = {"layer_features": {"kernel": {"choices": [3, 5]}}, "units": [{"name": "a", "layers": [1, 2]}]}
PROBLEM = {"objectives": {"acc": {"direction": "max", "reference": 0}}, "targets": ["acc"]}
SETTINGS = {
    "space": MINE,
    "source": {"filepath": "/data/mine.csv"},
    "label_kind": "measured",
    "targets": {"acc": "acc"},
    "evaluators": {"acc": {"type": "table"}},
    "problems": {"best": PROBLEM},
}


@pytest.fixture(autouse=True)
def _fresh_registry() -> Iterator[None]:
    configure_project("autobuild_pipelines")
    context_module._latest = None
    yield
    context_module._latest = None
    configure_project("autobuild_pipelines")


@functools.cache
def loader_of(env: str | None, **params: str) -> LayeredConfigLoader:
    """A loader of the project's configuration, which it reads once for all contexts that it is given to."""
    return LayeredConfigLoader(PROJECT / "conf", env, params, **CONFIG_LOADER_ARGS)


def open_context(source: Path = PROJECT / "conf", env: str | None = None, **params: str) -> SpacesContext:
    """A context as a session or kedro-viz makes it, without running any hook."""
    own = source == PROJECT / "conf"
    loader = loader_of(env, **params) if own else LayeredConfigLoader(source, env, params, **CONFIG_LOADER_ARGS)
    return SpacesContext(
        package_name="autobuild_pipelines",
        project_path=PROJECT,
        config_loader=loader,
        env=env,
        hook_manager=_NullPluginManager(),
        runtime_params=params,
    )


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "parameters.yml").write_text(yaml.safe_dump({"spaces": ["mine"], "mine": SETTINGS}))
    return tmp_path


def namespaces(pipeline: Pipeline) -> set[str]:
    """Spaces of the nodes; the node that renders the report belongs to all of them."""
    return {node.namespace.partition(".")[0] for node in pipeline.nodes if node.namespace}


def test_every_step_is_a_pipeline_and_the_main_job_is_the_default() -> None:
    assert set(pipelines) == {"__default__", "autobuild_nas", *MAIN, *BESIDE, *JOBS}
    assert pipelines["__default__"].nodes == pipelines["autobuild_nas"].nodes
    assert set(pipelines["autobuild_nas"].nodes) == {node for name in MAIN for node in pipelines[name].nodes}


def test_every_pipeline_has_a_namespace_for_each_listed_space() -> None:
    for name, pipeline in pipelines.items():
        assert namespaces(pipeline) == JOBS.get(name, {"ofa_mbv3", "ofa_pn"}), name


def test_a_job_is_the_whole_chain_on_its_spaces_and_steps_run_on_one_of_them() -> None:
    whole = pipelines["autobuild_nas"].only_nodes_with_namespaces(["ofa_pn"]).nodes
    names = {node.name.partition(".")[2] for node in whole}
    mine = pipelines["panoptic"].only_nodes_with_namespaces(["ofa_pn_panoptic"]).nodes
    assert names < {node.name.partition(".")[2] for node in mine}
    open_context(space="ofa_pn_panoptic")
    assert namespaces(pipelines["panoptic"]) == namespaces(pipelines["make_sample"]) == {"ofa_pn_panoptic"}
    open_context(space="ofa_pn")
    assert "panoptic" not in pipelines


def test_every_job_ends_with_one_report_on_its_spaces() -> None:
    for name, spaces in {"autobuild_nas": {"ofa_mbv3", "ofa_pn"}, "reporting": {"ofa_mbv3", "ofa_pn"}, **JOBS}.items():
        (page,) = (node for node in pipelines[name].nodes if node.outputs == ["report"])
        assert set(page.inputs) == {"run_record", *(f"{space}.report_chapter" for space in spaces)}, name


def test_a_report_needs_what_its_job_makes() -> None:
    open_context(space="sd_fid")
    needed = pipelines["reporting"].inputs()
    assert {"sd_fid.construction_figure", "sd_fid.module_leaders"} <= needed
    assert "sd_fid.comparison" not in needed


def test_a_job_has_the_steps_that_it_names() -> None:
    steps = {(node.namespace or "").partition(".")[2] for node in pipelines["sd_inpainting"].nodes} - {""}
    assert {"ingest", "scoring", "building", "exhaustive_search", "compare_built", "draw_built"} <= steps
    assert not {"search", "evaluation"} & steps
    assert "sd_fid.constructed_architectures" in pipelines["sd_inpainting"].datasets()


def test_a_space_without_a_search_has_no_steps_of_one() -> None:
    open_context(space="sd_hardware")
    assert not {"search", "evaluation", "compare_methods"} & set(pipelines)
    assert namespaces(pipelines["predictors"]) == {"sd_hardware"}
    assert "params:sd_hardware.search" not in pipelines["predictors"].inputs()


def test_a_step_that_there_is_not_is_an_error_that_names_the_job(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    jobs = {"jobs": {"short": {"spaces": ["ofa_pn"], "steps": ["ingest", "guess"]}}}
    (tmp_path / "base" / "parameters.yml").write_text(yaml.safe_dump(jobs))
    open_context(tmp_path)
    with pytest.raises(ConfigError, match=r"jobs\.short\.steps: there is no step 'guess', only \['ingest'"):
        pipelines["panoptic"]


def test_a_job_with_the_name_of_a_step_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "parameters.yml").write_text(yaml.safe_dump({"jobs": {"search": ["ofa_pn"]}}))
    open_context(tmp_path)
    with pytest.raises(ConfigError, match=r"jobs\.search: a pipeline has this name"):
        pipelines["panoptic"]


def test_only_a_space_with_a_fine_tuned_set_has_nodes_for_it() -> None:
    made = {"fine_tuned_architectures", "rejected_fine_tuned_architectures", "fine_tuned_flops_figure"}
    assert {f"ofa_pn_panoptic.{name}" for name in made} <= pipelines["panoptic"].datasets()
    assert not [name for name in pipelines["autobuild_nas"].datasets() if "fine_tuned" in name]


@pytest.mark.parametrize("env", [None, "published"])
@pytest.mark.parametrize("job", JOBS)
def test_a_jobs_chain_starts_from_files(env: str | None, job: str) -> None:
    catalog = open_context(env=env).catalog
    for dataset in pipelines[job].inputs():
        found = catalog.get(dataset)
        assert found is not None, f"{dataset} has no catalog entry"
        assert dataset.startswith("params:") or "Memory" not in type(found).__name__


def test_without_a_context_the_registry_is_that_of_the_default_environment() -> None:
    listed = registered()
    open_context()
    assert registered() == listed


def test_a_context_replaces_the_pipelines_of_the_one_before(outside: Path) -> None:
    assert namespaces(pipelines["search"]) == {"ofa_mbv3", "ofa_pn"}
    open_context(outside)
    assert namespaces(pipelines["search"]) == {"mine"}
    open_context()
    assert namespaces(pipelines["search"]) == {"ofa_mbv3", "ofa_pn"}


def test_a_space_chosen_on_the_command_line_is_the_only_one() -> None:
    open_context(space="ofa_pn")
    assert namespaces(pipelines["autobuild_nas"]) == {"ofa_pn"}


def test_the_published_environment_has_a_figure_for_each_of_its_problems() -> None:
    open_context(env="published")
    assert {f"ofa_pn.pareto_{problem}_figure" for problem in ("gpu", "cpu", "npu")} <= pipelines["evaluation"].outputs()


def test_evaluators_read_only_what_their_types_need(outside: Path) -> None:
    read = pipelines["evaluate_architectures"].inputs()
    assert "ofa_mbv3.layer_latencies" in read
    assert not {"ofa_mbv3.predictors", "ofa_mbv3.architectures", "released_predictors"} & read
    open_context(outside)
    read = pipelines["evaluate_architectures"].inputs()
    assert "mine.architectures" in read
    assert not {"params:mine.network", "mine.layer_latencies"} & read


def test_what_comes_from_a_latency_predictor_is_verified_at_the_end_of_the_main_job() -> None:
    assert "ofa_pn.verification_metrics" not in pipelines["autobuild_nas"].outputs()
    open_context(env="measured")
    assert "ofa_pn.verification_metrics" in pipelines["autobuild_nas"].datasets()
    assert {"ofa_pn.latency_predictors", "evaluation_ledger"} <= pipelines["autobuild_nas"].inputs()


@pytest.mark.parametrize("env", [None, "published", "measured"])
def test_every_step_runs_alone_from_files(env: str | None) -> None:
    catalog = open_context(env=env).catalog
    assert isinstance(catalog, DataCatalog)
    for name in (*MAIN, *BESIDE):
        for dataset in pipelines[name].inputs():
            found = catalog.get(dataset)
            assert found is not None, f"{name}: {dataset} has no catalog entry"
            if not dataset.startswith("params:"):
                assert "Memory" not in type(found).__name__, f"{name}: {dataset} would have to be in memory"


def test_leaving_the_users_list_out_is_an_error_that_says_how_to_give_it() -> None:
    catalog = open_context(space="ofa_mbv3").catalog
    with pytest.raises(DatasetError, match=r"no such file; set it by --params space=NAME,architectures=PATH"):
        catalog.load("ofa_mbv3.submitted_architectures")


def test_what_a_pipeline_ends_with_is_stored() -> None:
    catalog = open_context().catalog
    for name, pipeline in pipelines.items():
        for dataset in pipeline.outputs():
            found = catalog.get(dataset)
            assert found is not None, f"{name}: {dataset} has no catalog entry"
            assert "Memory" not in type(found).__name__, f"{name}: {dataset} is lost when the run ends"


@pytest.mark.parametrize("job", ["autobuild_nas", *JOBS])
def test_every_dataset_of_a_job_has_a_layer_in_kedro_viz(job: str) -> None:
    catalog = open_context().catalog
    for name in pipelines[job].datasets():
        if not name.startswith("params:"):
            metadata = getattr(catalog.get(name), "metadata", None) or {}
            assert "layer" in metadata.get("kedro-viz", {}), name


def test_the_whole_chain_stays_small_enough_for_kedro_viz() -> None:
    assert len(pipelines["autobuild_nas"].nodes) < 200
