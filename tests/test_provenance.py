"""What a run's record says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd

from autobuild_pipelines.provenance import (
    environment,
    flatten,
    git_revision,
    metric_name,
    package_versions,
    table_metrics,
)


def test_parameters_are_flattened_to_leaves_with_dotted_names() -> None:
    assert flatten({"a": {"b": 1, "c": [1, 2]}, "d": None, "e": {}}) == {
        "a.b": "1",
        "a.c": "[1, 2]",
        "d": "None",
        "e": "{}",
    }


def test_a_table_of_values_becomes_one_metric_a_row() -> None:
    table = pd.DataFrame({"target": ["acc", "acc"], "metric": ["mae", "bias"], "value": [0.5, np.nan]})
    assert table_metrics("a", table, {"keys": ["target", "metric"]}) == [("a/acc/mae", 0.5, 0)]


def test_every_numeric_column_becomes_a_metric_with_its_name() -> None:
    table = pd.DataFrame({"problem": ["cpu"], "variant": ["built:acc:eq5"], "hypervolume_mean": [1.5], "seeds": [5]})
    names = [point.name for point in table_metrics("a", table, {"keys": ["problem", "variant"]})]
    assert names == ["a/cpu/built:acc:eq5/hypervolume_mean", "a/cpu/built:acc:eq5/seeds"]


def test_the_column_of_values_stands_where_the_keys_say_so() -> None:
    table = pd.DataFrame({"problem": ["cpu"], "variant": ["layer_full"], "hypervolume_mean": [1.5], "seeds": [5]})
    settings = {"under": "search", "keys": ["problem", "measure", "variant"]}
    names = [point.name for point in table_metrics("a", table, settings)]
    assert names == ["a/search/cpu/hypervolume_mean/layer_full", "a/search/cpu/seeds/layer_full"]


def test_a_column_of_epochs_becomes_the_step_of_each_metric() -> None:
    table = pd.DataFrame({"target": ["acc"] * 2, "epoch": [1, 2], "loss": [0.9, 0.4]})
    points = table_metrics("a", table, {"keys": ["target"], "step": "epoch"})
    assert points == [("a/acc/loss", 0.9, 1), ("a/acc/loss", 0.4, 2)]


def test_characters_that_mlflow_refuses_are_replaced() -> None:
    assert metric_name("acc*100/(lat)") == "acc_100/_lat_"


def test_a_checkout_with_a_changed_file_is_dirty(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "a").write_text("1")
    subprocess.run([*git, "add", "a"], cwd=tmp_path, check=True)
    subprocess.run([*git, "commit", "-qm", "a"], cwd=tmp_path, check=True)
    commit, dirty = git_revision(tmp_path)
    assert len(commit) == 40
    assert not dirty
    (tmp_path / "a").write_text("2")
    assert git_revision(tmp_path) == (commit, True)


def test_a_folder_outside_git_has_an_unknown_revision(tmp_path: Path) -> None:
    assert git_revision(tmp_path / "missing") == ("unknown", False)


def test_versions_name_what_results_depend_on() -> None:
    assert {"python", "torch", "kedro", "mlflow", "numpy"} <= package_versions().keys()
    assert any(line.startswith("torch==") for line in environment().splitlines())
