"""Configuration: layers, completed parameters, catalog entries from parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from kedro.config import MissingConfigException

from autobuild_pipelines.config import (
    RESOLVERS,
    ConfigError,
    Job,
    LayeredConfigLoader,
    SpaceOutline,
    active_spaces,
    complete_catalog,
    complete_parameters,
)

PATTERNS = {
    "parameters": ["parameters*/**", "spaces/**", "networks/**"],
    "mlflow": ["mlflow*"],
}


def write(folder: Path, name: str, content: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    conf = tmp_path / "project" / "conf"
    write(conf, "base/spaces/a.yml", {"a": {"space": {"units": 1}}})
    write(conf, "base/networks/a.yml", {"a": {"network": {"width": 16}}})
    write(
        conf,
        "base/parameters/a.yml",
        {"a": {"targets": {"x": "x", "y": "y"}, "source": {"filepath": "a.parquet"}, "search": {"seeds": 1}}},
    )
    write(conf, "base/parameters/common.yml", {"spaces": ["a"], "seed": 7, "search": {"seeds": 5, "budget": 250}})
    write(conf, "base/catalog/raw.yml", {"{space}.raw": {"type": "T", "from_parameters": "source"}})
    write(conf, "base/mlflow.yml", {"tracking": {"experiment": {"name": "autobuild"}, "run": {"nested": False}}})
    (conf / "local").mkdir()
    return conf


def load(project: Path, source: Path | None = None, env: str | None = None, **params: Any) -> LayeredConfigLoader:
    return LayeredConfigLoader(
        source or project,
        env,
        params,
        project_conf=project,
        base_env="base",
        default_run_env="local",
        config_patterns=PATTERNS,
        merge_strategy={"parameters": "soft", "mlflow": "soft"},
        custom_resolvers=RESOLVERS,
    )


def test_files_of_several_folders_contribute_to_one_space(project: Path) -> None:
    space = load(project)["parameters"]["a"]
    assert space["space"] == {"units": 1}
    assert space["network"] == {"width": 16}
    assert space["targets"] == {"x": "x", "y": "y"}


def test_a_space_gets_the_common_settings_under_its_own(project: Path) -> None:
    space = load(project)["parameters"]["a"]
    assert space["seed"] == 7
    assert space["search"] == {"seeds": 1, "budget": 250}


def test_a_common_setting_from_the_command_line_wins_in_every_space(project: Path) -> None:
    parameters = load(project, search={"seeds": 2}, seed=1)["parameters"]
    assert parameters["a"]["search"] == {"seeds": 2, "budget": 250}
    assert parameters["a"]["seed"] == 1


def test_a_space_parameter_from_the_command_line_keeps_its_siblings(project: Path) -> None:
    parameters = load(project, a={"search": {"seeds": 3}, "targets": {"z": "z"}})["parameters"]
    assert parameters["a"]["search"] == {"seeds": 3, "budget": 250}
    assert parameters["a"]["targets"] == {"x": "x", "y": "y", "z": "z"}


def test_an_environment_replaces_a_spaces_targets_as_a_whole_and_merges_the_rest(project: Path) -> None:
    write(project, "paper/parameters/a.yml", {"a": {"targets": {"z": "z"}, "search": {"budget": 99}}})
    space = load(project, env="paper")["parameters"]["a"]
    assert space["targets"] == {"z": "z"}
    assert space["search"] == {"seeds": 1, "budget": 99}
    assert space["source"] == {"filepath": "a.parquet"}


def test_the_same_leaf_in_two_files_of_one_folder_is_an_error_naming_both(project: Path) -> None:
    write(project, "base/parameters/other.yml", {"a": {"targets": {"x": "2 * x"}}})
    with pytest.raises(ValueError, match=r"(?s)(a\.yml|other\.yml).*(a\.yml|other\.yml).*a\.targets\.x"):
        load(project)["parameters"]


def test_a_listed_space_without_a_declaration_is_an_error_saying_what_to_add(project: Path) -> None:
    write(project, "local/parameters/mine.yml", {"spaces": ["a", "mine"]})
    with pytest.raises(ConfigError, match=r"'mine'.*add spaces/mine\.yml"):
        load(project)["parameters"]


def test_a_kind_of_labels_that_no_table_may_have_is_an_error_at_once(project: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.label_kind: expected one of \['surrogate', .*\], got 'guessed'"):
        load(project, a={"label_kind": "guessed"})["parameters"]


def test_a_missing_list_of_spaces_is_an_error(project: Path) -> None:
    with pytest.raises(ConfigError, match="expected a list of names"):
        active_spaces({"seed": 1})


def test_a_declared_space_that_is_not_listed_is_not_a_common_setting(project: Path) -> None:
    write(project, "base/spaces/b.yml", {"b": {"space": {"units": 2}}})
    assert "b" not in load(project)["parameters"]["a"]


def test_one_space_can_be_chosen_on_the_command_line(project: Path) -> None:
    write(project, "base/spaces/b.yml", {"b": {"space": {"units": 2}}})
    loader = load(project, space="b")
    assert set(loader.outlines()) == {"b"}
    assert loader["parameters"]["b"]["seed"] == 7


def test_a_jobs_spaces_are_completed_though_the_list_lacks_them(project: Path) -> None:
    write(project, "base/spaces/b.yml", {"b": {"space": {"units": 2}, "source": {"filepath": "b.csv"}}})
    write(project, "local/parameters/jobs.yml", {"jobs": {"other": ["b"], "both": ["a", "b"]}})
    loader = load(project)
    assert set(loader.outlines()) == {"a"}
    assert loader.jobs() == {"other": Job(("b",)), "both": Job(("a", "b"))}
    assert set(loader.job_outlines()) == {"a", "b"}
    assert loader["parameters"]["b"]["seed"] == 7
    assert "jobs" not in loader["parameters"]["b"]
    assert loader["catalog"]["b.raw"] == {"type": "T", "filepath": "b.csv"}


def test_a_space_from_the_command_line_is_all_that_is_left_of_a_job(project: Path) -> None:
    write(project, "base/spaces/b.yml", {"b": {"space": {"units": 2}}})
    write(project, "local/parameters/jobs.yml", {"jobs": {"both": ["a", "b"], "first": ["a"]}})
    assert load(project, space="b").jobs() == {"both": Job(("b",))}


def test_a_job_may_name_its_steps(project: Path) -> None:
    job = {"spaces": ["a"], "steps": ["ingest", "graphs"]}
    write(project, "local/parameters/jobs.yml", {"jobs": {"short": job}})
    assert load(project).jobs() == {"short": Job(("a",), ("ingest", "graphs"))}


def test_a_section_that_a_space_turns_off_stays_off_whatever_all_spaces_are_given(project: Path) -> None:
    write(project, "local/parameters/a.yml", {"a": {"search": None}})
    loader = load(project, search={"seeds": 2})
    assert loader["parameters"]["a"]["search"] is None
    assert not loader.outlines()["a"].searched


def test_a_declaration_may_refer_to_another_spaces(project: Path) -> None:
    write(project, "base/spaces/b.yml", {"b": {"space": {"units": "${a.space.units}"}}})
    assert load(project, space="b")["parameters"]["b"]["space"] == {"units": 1}


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        ({"other": ["c"]}, r"spaces or jobs lists \['c'\], which no file declares"),
        ({"other": "a"}, r"jobs\.other: expected a list of names of spaces, got 'a'"),
        ({"other": []}, r"jobs\.other: expected a list of names"),
        ({"other": {"spaces": ["a"], "nodes": ["x"]}}, r"jobs\.other: has no key 'nodes', only spaces and steps"),
        ({"other": {"spaces": ["a"], "steps": "x"}}, r"jobs\.other\.steps: expected a list of names of steps, got 'x'"),
        (["other"], "jobs: expected names of jobs with lists of spaces"),
    ],
)
def test_a_job_that_is_none_is_an_error_that_names_it(project: Path, jobs: Any, message: str) -> None:
    write(project, "local/parameters/jobs.yml", {"jobs": jobs})
    with pytest.raises(ConfigError, match=message):
        load(project)["parameters"]


def test_an_environment_can_take_the_fine_tuned_set_away(project: Path) -> None:
    source = {"fine_tuned_source": {"filepath": "f.csv"}}
    write(project, "base/spaces/b.yml", {"b": {"space": {"units": 2}, **source}})
    assert SpaceOutline.of(load(project, space="b")["parameters"]["b"]).fine_tuned
    write(project, "local/parameters/b.yml", {"b": {"fine_tuned_source": None}})
    assert not SpaceOutline.of(load(project, space="b")["parameters"]["b"]).fine_tuned


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    write(folder, "base/spaces/mine.yml", {"mine": {"space": {"units": 3}}})
    write(folder, "base/parameters/mine.yml", {"spaces": ["mine"], "mine": {"source": {"filepath": "mine.csv"}}})
    return folder


def test_a_folder_elsewhere_needs_only_what_differs_from_the_project(project: Path, outside: Path) -> None:
    loader = load(project, outside)
    assert set(loader.outlines()) == {"mine"}
    assert loader["parameters"]["mine"]["search"] == {"seeds": 5, "budget": 250}
    assert loader["catalog"] == {"mine.raw": {"type": "T", "filepath": "mine.csv"}}
    assert loader["mlflow"]["tracking"]["experiment"]["name"] == "autobuild"


def test_a_folder_elsewhere_works_with_an_environment_of_the_project(project: Path, outside: Path) -> None:
    write(project, "paper/parameters/common.yml", {"search": {"budget": 99}})
    assert load(project, outside, "paper")["parameters"]["mine"]["search"]["budget"] == 99


def test_a_folder_elsewhere_works_when_the_project_lies_below_a_hidden_folder(tmp_path: Path, outside: Path) -> None:
    conf = tmp_path / ".hidden" / "conf"
    write(conf, "base/parameters/common.yml", {"spaces": ["a"], "seed": 7})
    assert load(conf, outside)["parameters"]["mine"]["seed"] == 7


def test_an_environment_without_a_folder_is_an_error(project: Path) -> None:
    with pytest.raises(MissingConfigException, match="'papr'"):
        load(project, env="papr")["parameters"]


def test_an_environment_merges_softly_into_the_mlflow_settings(project: Path) -> None:
    write(project, "paper/mlflow.yml", {"tracking": {"run": {"name": "paper"}}})
    tracking = load(project, env="paper")["mlflow"]["tracking"]
    assert tracking == {"experiment": {"name": "autobuild"}, "run": {"nested": False, "name": "paper"}}


def test_an_environment_replaces_catalog_entries_as_a_whole(project: Path) -> None:
    write(project, "base/catalog/more.yml", {"table": {"type": "Parquet", "filepath": "t.pq", "versioned": True}})
    write(project, "paper/catalog/more.yml", {"table": {"type": "Sql"}})
    assert load(project, env="paper")["catalog"]["table"] == {"type": "Sql"}


def test_environment_variables_and_their_defaults_work_everywhere(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = '${oc.env:AUTOBUILD_TEST_DIR,"hf://datasets/some/where"}/a.pkl'
    write(project, "local/parameters/a.yml", {"a": {"source": {"filepath": path}}})
    monkeypatch.delenv("AUTOBUILD_TEST_DIR", raising=False)
    assert load(project)["catalog"]["a.raw"]["filepath"] == "hf://datasets/some/where/a.pkl"
    monkeypatch.setenv("AUTOBUILD_TEST_DIR", "/data")
    assert load(project)["catalog"]["a.raw"]["filepath"] == "/data/a.pkl"


def test_an_entry_can_take_sections_as_arguments_and_the_name_of_the_space() -> None:
    parameters = complete_parameters({"spaces": ["a"], "a": {"space": {"units": 1}}})
    entry = {"type": "T", "name": "{space}", "from_parameters": {"declaration": "space"}}
    assert complete_catalog({"{space}.s": entry}, parameters) == {
        "a.s": {"type": "T", "name": "a", "declaration": {"units": 1}}
    }


def test_an_entry_written_out_for_a_space_wins_over_the_parameters() -> None:
    parameters = complete_parameters({"spaces": ["a"], "a": {"space": {}, "source": {"filepath": "x"}}})
    catalog = {"{space}.raw": {"type": "T", "from_parameters": "source"}, "a.raw": {"type": "Mine"}}
    assert complete_catalog(catalog, parameters) == {"a.raw": {"type": "Mine"}}


def test_a_space_without_the_section_gets_no_entry() -> None:
    parameters = complete_parameters({"spaces": ["a"], "a": {"space": {}}})
    assert complete_catalog({"{space}.raw": {"type": "T", "from_parameters": "source"}}, parameters) == {}


def test_the_outline_of_a_space_names_its_problems_and_evaluator_types() -> None:
    settings = {"problems": {"cpu": {}}, "evaluators": {"acc": {"type": "surrogate"}, "macs": {"type": "macs"}}}
    assert SpaceOutline.of(settings) == SpaceOutline(("cpu",), frozenset({"surrogate", "macs"}))


def test_the_outline_of_a_space_names_the_samples_it_can_make_and_what_labels_them() -> None:
    settings = {"sample": {"count": 3, "labels": {"acc": {"type": "surrogate"}, "macs": {"type": "macs"}}}}
    assert SpaceOutline.of(settings).samples == {"sample": frozenset({"surrogate", "macs"})}
