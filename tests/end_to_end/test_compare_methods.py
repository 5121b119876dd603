"""`kedro run --pipeline=compare_methods` on what the main job saved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from project_copy import run_kedro, tables

pytestmark = pytest.mark.slow


def test_it_searches_again_with_the_same_result_and_compares(finished: tuple[Path, str], tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(finished[0], project)
    before = tables(project, "ofa_mbv3")
    done = run_kedro(project, "run", "--env=small", "--pipeline=compare_methods", "--params=space=ofa_mbv3")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for words in ("Layer-Full", "Training set", "Hypervolume"):
        assert words in done.stdout
    found = tables(project, "ofa_mbv3")
    pd.testing.assert_frame_equal(found["evaluations"], before["evaluations"], check_exact=True)
    runs = found["evaluations"][["problem", "variant", "seed"]].drop_duplicates()
    times = pd.read_parquet(sorted(project.glob("data/07_model_output/ofa_mbv3/search_times.parquet/*/*"))[-1])
    assert times[["problem", "variant", "seed"]].values.tolist() == runs.values.tolist()
    assert (times["wall_s"] > 0).all()
    assert set(found["method_comparison"]["variant"]) == set(runs["variant"])
    assert "training_set" in set(found["best_under_caps"]["variant"])
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name == "autobuild"]
    run = client.search_runs([experiment.experiment_id])[0]
    curve = client.get_metric_history(run.info.run_id, "ofa_mbv3/search/cpu/hypervolume_median/stage_full")
    assert [point.step for point in curve] == list(range(1, 13))
