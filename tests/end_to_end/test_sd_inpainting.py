"""`kedro run --pipeline=sd_inpainting` on the embedded sample, and on a table of a user's own FIDs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from project_copy import copy_project, run_kedro, tables

pytestmark = pytest.mark.slow

SPACES = {"sd_fid": (68, 786_432), "sd_hardware": (90, 98_304)}
TARGETS = {"sd_fid": {"fid"}, "sd_hardware": {"fid_latency", "fid_flops", "fid_params"}}
METHODS = {"norm_constrained", "norm_unconstrained", "contextual", "exhaustive", "optimal_training", "random"}
SMALL = "predictors.training.epochs=2,predictors.ensemble=2,predictors.model.hidden=8,scoring.contexts=2"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    project = copy_project(tmp_path_factory.mktemp("diffusion"))
    done = run_kedro(project, "run", "--pipeline=sd_inpainting", f"--params={SMALL}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return project, done.stdout + done.stderr


def test_the_job_builds_in_both_spaces_and_ranks_everything_among_all_architectures(ended: tuple[Path, str]) -> None:
    project, _ = ended
    assert {path.name for path in (project / "data" / "08_reporting").iterdir()} == {*SPACES, "report.html"}
    for space, (count, size) in SPACES.items():
        found = tables(project, space)
        assert len(found["architectures"]) == count
        constructed = found["constructed_architectures"]
        assert set(constructed["target"]) == TARGETS[space]
        assert set(constructed["method"]) == METHODS
        built = constructed[constructed["method"] != "optimal_training"]
        assert (built.groupby(["target", "method"]).size() == 4).all()
        assert constructed["true_rank"].between(1, size).all()
        assert set(constructed["metric_sources"]) == {
            "fid: surrogate, latency_ms: cost_model, macs: macs, params: params",
            "labels",
        }
        for name in ("construction_comparison", "pareto_gains"):
            assert set(found[name]["label_kind"]) == {"surrogate"}


def test_scores_are_those_of_an_ensemble_by_folds(ended: tuple[Path, str]) -> None:
    scores = tables(ended[0], "sd_hardware")["module_scores"]
    assert set(scores["method"]) == {"norm_constrained", "norm_unconstrained", "contextual"}
    assert scores["standard_error"].gt(0).any()


def test_hypervolumes_grow_by_what_is_built_for_all_three_hardware_metrics(ended: tuple[Path, str]) -> None:
    gains = tables(ended[0], "sd_hardware")["pareto_gains"]
    assert set(gains["problem"]) == {"latency", "flops", "params"}
    assert (gains["hypervolume_joint"] >= gains["hypervolume_training"]).all()


def test_the_run_ends_with_sizes_best_architectures_and_their_true_ranks(ended: tuple[Path, str]) -> None:
    printed = ended[1]
    assert "sd_fid: 786,432 architectures, 172 modules" in printed
    assert "sd_hardware: 98,304 architectures, 68 modules" in printed
    assert "surrogate labels" in printed
    for words in ("AutoBuild Constrained", "AutoBuild Unconstrained", "Exhaustive Search", "true rank", "hypervolume"):
        assert words in printed


def test_every_figure_says_that_its_labels_are_surrogates(ended: tuple[Path, str]) -> None:
    for name in ("construction", "architecture_diagrams", "module_diagrams", "feature_importance"):
        for space in SPACES:
            (figure,) = (ended[0] / "data" / "08_reporting" / space / f"{name}.json").glob("*/*.json")
            assert "surrogate labels" in figure.read_text(), f"{space} {name}"


def test_a_users_own_table_of_fids_runs_through_without_true_ranks(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    mine = pd.read_csv(project / "data" / "01_raw" / "sample" / "sd_hardware.csv")[["units", "fid"]]
    mine.to_csv(project / "mine.csv", index=False)
    settings = {
        "source": {"filepath": "mine.csv"},
        "label_kind": "measured",
        "labels": {"macs": {"type": "macs"}},
        "targets": {"fid": "-fid"},
        "evaluators": {"fid": {"type": "predictor", "factor": -1}, "macs": {"type": "macs"}},
        "truth": {},
        "problems": {
            "macs": {
                "objectives": {
                    "fid": {"direction": "min", "reference": 20},
                    "macs": {"direction": "min", "reference": 2e11},
                },
                "targets": ["fid"],
            }
        },
    }
    (project / "conf" / "local" / "parameters.yml").write_text(yaml.safe_dump({"sd_hardware": settings}))
    done = run_kedro(project, "run", "--pipeline=sd_inpainting", f"--params=space=sd_hardware,{SMALL}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = tables(project, "sd_hardware")
    assert found["pareto_gains"]["hypervolume_training"].gt(0).all()
    constructed = found["constructed_architectures"]
    assert constructed["true_rank"].isna().all()
    assert constructed["fid"].between(5, 20).all()
    assert constructed["target_value"].tolist() == (-constructed["fid"]).tolist()
