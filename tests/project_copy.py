"""A copy of the project in a temporary folder, and its command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml

PROJECT = Path(__file__).resolve().parents[1]

SMALL = {
    "predictors": {"model": {"hidden": 8}, "training": {"epochs": 2}},
    "scoring": {"contexts": 2, "min_count": 1},
    "building": {"top": 5, "count": 3},
    "search": {
        "initial": 6,
        "iterations": 1,
        "per_iteration": 6,
        "seeds": 2,
        "guided": {"drawn": 50, "children": 50, "generations": 2, "generations_later": 1},
    },
    "evaluation": {"budgets": [6, 12]},
}
"""What `--env=small` sets: the whole chain in seconds."""


MEASURED = frozenset({"search_times"})
"""Tables of what the clock said: no two runs agree in them."""


def copy_project(folder: Path, rows: int = 400) -> Path:
    """The project with an environment `small` and the first rows of its sample."""
    hidden = shutil.ignore_patterns("__pycache__", "local")
    for part in ("conf", "src"):
        shutil.copytree(PROJECT / part, folder / part, ignore=hidden)
    for part in ("pyproject.toml", ".telemetry"):
        shutil.copy(PROJECT / part, folder / part)
    (folder / "conf" / "local").mkdir()
    sample = folder / "data" / "01_raw" / "sample"
    shutil.copytree(PROJECT / "data" / "01_raw" / "sample", sample)
    settings: dict[str, object] = dict(SMALL)
    for space in ("ofa_mbv3", "ofa_pn"):
        pd.read_csv(sample / f"{space}.csv").head(rows).to_csv(folder / f"{space}_head.csv", index=False)
        settings[space] = {"source": {"filepath": f"{space}_head.csv"}}
    small = folder / "conf" / "small"
    small.mkdir()
    (small / "parameters.yml").write_text(yaml.safe_dump(settings))
    return folder


def environment(project: Path, **more: str) -> dict[str, str]:
    """Environment variables of a command in the copy."""
    quiet = {"KEDRO_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    own = {"PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1", "COLUMNS": "160"}
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AUTOBUILD_", "MLFLOW_", "KEDRO_"))
    }
    return {**kept, **quiet, **own, **more}


def run_kedro(project: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `kedro ...` in the copy; the result holds output and exit status."""
    command = [sys.executable, "-m", "kedro", *arguments]
    return subprocess.run(
        command, cwd=project, env=environment(project, **more), capture_output=True, text=True, timeout=900
    )


def tables(project: Path, space: str) -> dict[str, pd.DataFrame]:
    """The newest version of every table that runs wrote for a space, but for those that are measured."""
    files = sorted(project.glob(f"data/0[2-8]_*/{space}/*.parquet/*/*.parquet"))
    return {file.stem: pd.read_parquet(file) for file in files if file.stem not in MEASURED}
