"""The command line on reference data: the published caches and predictors, and a space neither MBv3 nor PN."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from project_copy import PROJECT, SMALL, copy_project, run_kedro, tables

pytestmark = [pytest.mark.slow, pytest.mark.reference]

ACCEL_NASBENCH = {
    "title": "Accel-NASBench",
    "layer_features": {
        "expand": {"choices": [1, 4, 6]},
        "kernel": {"choices": [3, 5]},
        "se": {"choices": [0, 1]},
    },
    "units": [{"name": f"stage{n}", "layers": [1, 2, 3, 4] if n == 6 else [1, 2, 3]} for n in range(1, 8)],
    "constraints": {"equal_within_unit": {"features": ["expand", "kernel", "se"]}},
}

MEASURED = {
    "label_kind": "measured",
    "targets": {"top1": "val_top1", "top1_per_ms": "val_top1 / latency_zcu102"},
    "evaluators": {"val_top1": {"type": "table"}, "latency_zcu102": {"type": "table"}},
    "problems": {
        "zcu102": {
            "objectives": {
                "top1_percent": {"equation": "val_top1", "direction": "max", "reference": 48},
                "latency_zcu102_ms": {"equation": "latency_zcu102", "direction": "min", "reference": 15},
            },
            "targets": ["top1", "top1_per_ms"],
        }
    },
}


def test_accel_nasbench_runs_with_a_declaration_and_parameters_from_a_folder_elsewhere(
    tmp_path: Path, reference_dir: Path
) -> None:
    project = copy_project(tmp_path / "project")
    base = tmp_path / "elsewhere" / "base"
    for part in ("spaces", "parameters"):
        (base / part).mkdir(parents=True)
    source = {"filepath": str(reference_dir / "tables" / "accel_nasbench" / "table.jsonl.gz")}
    (base / "spaces" / "accel.yml").write_text(yaml.safe_dump({"accel": {"space": ACCEL_NASBENCH}}))
    settings = {"spaces": ["accel"], "accel": {"source": source, **MEASURED}, **SMALL}
    (base / "parameters" / "accel.yml").write_text(yaml.safe_dump(settings))
    done = run_kedro(project, "run", f"--conf-source={base.parent}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = tables(project, "accel")
    # 5138 rows hold 5125 architectures: repeats with other labels and rows without a latency are rejected.
    assert 5090 <= len(found["architectures"]) <= 5125
    assert set(found["evaluations"]["architecture_id"]) <= set(found["architectures"]["architecture_id"])
    assert set(found["comparison"]["variant"]) >= {"layer_full", "stage_full", "autobuild_nas", "training_set"}
    assert (found["comparison"]["label_kind"] == "measured").all()


@pytest.mark.parametrize("space", ["ofa_mbv3", "ofa_pn"])
def test_the_published_environment_names_files_that_were_published(reference_dir: Path, space: str) -> None:
    settings = yaml.safe_load((PROJECT / "conf" / "published" / "parameters" / f"{space}.yml").read_text())[space]
    folder = reference_dir / "autobuild"
    assert (folder / Path(settings["source"]["filepath"]).name).is_file()
    for evaluator in settings["evaluators"].values():
        for suffix in ("predictor.pt", "config.pkl"):
            assert (folder / "l1_models" / f"{evaluator['checkpoint']}_{suffix}").is_file()


def test_the_published_environment_without_models_says_how_to_name_them_before_it_trains(
    tmp_path: Path, reference_dir: Path
) -> None:
    project = copy_project(tmp_path)
    done = run_kedro(
        project,
        "run",
        "--env=published",
        "--params=space=ofa_pn",
        AUTOBUILD_DATA_DIR=str(reference_dir / "autobuild"),
    )
    assert done.returncode != 0
    assert "AUTOBUILD_MODELS_DIR" in done.stdout + done.stderr
    assert not list(project.glob("data/06_models/*"))
