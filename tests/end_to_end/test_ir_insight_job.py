"""`kedro run --pipeline=ir_insight` on what ingest saved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from project_copy import run_kedro

pytestmark = pytest.mark.slow

SMALL = "ir_insight.count=20,ir_insight.model.layers=2,ir_insight.training.epochs=2"


def test_it_runs_alone_and_its_results_are_recorded(finished: tuple[Path, str], tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(finished[0], project)
    done = run_kedro(project, "run", "--env=small", "--pipeline=ir_insight", f"--params=space=ofa_pn,{SMALL}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (table,) = project.glob("data/07_model_output/ofa_pn/operator_subgraphs.parquet/*/*")
    assert set(pd.read_parquet(table)["hop"]) == {0, 1, 2}
    assert not list(project.glob("data/07_model_output/ofa_mbv3/operator_subgraphs.parquet"))
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name == "autobuild"]
    run = client.search_runs([experiment.experiment_id])[0]
    assert "ofa_pn/operator_predictors/held_out/autobuild/spearman_hop_2/acc" in run.data.metrics
    kept = {file.path for file in client.list_artifacts(run.info.run_id, "operator_models/ofa_pn/operator_predictor")}
    assert "operator_models/ofa_pn/operator_predictor/acc.safetensors" in kept
    # What is saved is enough for the last steps alone.
    node = "--nodes=ofa_pn.ir_insight.rank_operator_subgraphs,ofa_pn.ir_insight.draw_operator_subgraphs"
    again = run_kedro(project, "run", "--env=small", "--pipeline=ir_insight", node, f"--params=space=ofa_pn,{SMALL}")
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    first, second = sorted(project.glob("data/07_model_output/ofa_pn/operator_subgraphs.parquet/*/*"))
    pd.testing.assert_frame_equal(pd.read_parquet(first), pd.read_parquet(second))
