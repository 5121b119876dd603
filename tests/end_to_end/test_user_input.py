"""What users bring: a list of architectures, a broken file, a space of their own."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import yaml
from mlflow.tracking import MlflowClient

from project_copy import SMALL, copy_project, run_kedro, tables

pytestmark = pytest.mark.slow


def test_a_users_own_list_gets_the_configured_metrics_without_any_training(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    layer = {"expand": 6, "kernel": 5}
    records = [{"resolution": 224, "units": [[layer] * depth] * 5, "acc": 0.5} for depth in (2, 3, 4)]
    (project / "my list.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    done = run_kedro(
        project, "run", "--pipeline=evaluate_architectures", "--params=space=ofa_mbv3,architectures=my list.jsonl"
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = tables(project, "ofa_mbv3")["evaluated_architectures"]
    assert {"acc", "latency_cpu_ms", "macs", "params", "given_acc"} <= set(found.columns)
    assert found["macs"].is_monotonic_increasing
    assert found["metric_sources"].str.startswith("acc: surrogate, latency_cpu_ms: layer_latency").all()
    assert not tables(project, "ofa_pn")


def test_a_broken_file_fails_the_run_names_the_rows_and_writes_nothing(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    broken = project / "ofa_mbv3_head.csv"
    broken.write_text(broken.read_text().replace('""expand"":4', '""expand"":5'))
    done = run_kedro(project, "run", "--env=small", "--params=space=ofa_mbv3")
    assert done.returncode != 0
    assert "row 1" in done.stdout + done.stderr
    assert not list(project.glob("data/0[2-8]_*/**/*.parquet/*/*"))
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    assert [run.info.status for run in runs] == ["FAILED"]


def test_a_space_of_ones_own_needs_a_folder_with_its_declaration_and_parameters(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    folder = tmp_path / "elsewhere"
    for part in ("spaces", "parameters"):
        (folder / "base" / part).mkdir(parents=True)
    declaration = {
        "layer_features": {"op": {"choices": ["conv", "pool", "skip"]}, "wide": {"choices": [0, 1]}},
        "units": [{"name": "front", "layers": [1, 2]}, {"name": "back", "layers": [1, 2]}],
    }
    layers = [{"op": op, "wide": wide} for op, wide in product(["conv", "pool", "skip"], [0, 1])]
    modules = [[layer] for layer in layers] + [list(pair) for pair in product(layers, layers)]
    rows = [
        {
            "units": json.dumps(pair),
            "score": sum(x["wide"] + (x["op"] == "conv") for m in pair for x in m) + 0.1 * i % 1,
        }
        for i, pair in enumerate(product(modules[::3], modules[::2]))
    ]
    table = pd.DataFrame(rows).assign(cost=lambda t: t["units"].str.len())
    table.to_csv(folder / "table.csv", index=False)
    settings = {
        "source": {"filepath": str(folder / "table.csv")},
        "label_kind": "measured",
        "targets": {"score": "score", "score_per_cost": "score / cost"},
        "evaluators": {"score": {"type": "table"}, "cost": {"type": "table"}},
        "problems": {
            "cheap": {
                "objectives": {
                    "score": {"direction": "max", "reference": 0},
                    "cost": {"direction": "min", "reference": 200},
                },
                "targets": ["score", "score_per_cost"],
            }
        },
    }
    (folder / "base" / "spaces" / "mine.yml").write_text(yaml.safe_dump({"mine": {"space": declaration}}))
    parameters = {"spaces": ["mine"], "mine": settings, **SMALL}
    (folder / "base" / "parameters" / "mine.yml").write_text(yaml.safe_dump(parameters))
    steps = "ingest,label_statistics,graphs,predictors,scoring,building,search,evaluation"
    done = run_kedro(project, "run", f"--conf-source={folder}", f"--pipelines={steps}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = tables(project, "mine")
    known = set(found["architectures"]["architecture_id"])
    assert set(found["evaluations"]["architecture_id"]) <= known
    assert set(found["built_architectures"]["architecture_id"]) <= known
    assert set(found["comparison"]["variant"]) >= {"autobuild_nas", "training_set"}
