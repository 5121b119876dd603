"""A copy of the project in a temporary folder, and its command line."""

from __future__ import annotations

import atexit
import compileall
import functools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

PROJECT = Path(__file__).resolve().parents[1]

SMALL = {
    "predictors": {"ensemble": 2, "model": {"hidden": 8}, "training": {"epochs": 2}},
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
    shutil.copytree(PROJECT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    shutil.copytree(_made_once() / "src", folder / "src")
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


@functools.cache
def _made_once() -> Path:
    """A folder with `src`, compiled, where the server also puts an empty MLflow database."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    shutil.copytree(PROJECT / "src", folder / "src")
    compileall.compile_dir(folder / "src", quiet=1)
    return folder


def environment(project: Path, **more: str) -> dict[str, str]:
    """Environment variables of a command in the copy."""
    quiet = {"KEDRO_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    server = {"MLFLOW_WORKERS": "1", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # as the Makefile says
    own = {"PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1", "COLUMNS": "160"}
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AUTOBUILD_", "MLFLOW_", "KEDRO_"))
    }
    return {**kept, **quiet, **server, **own, **more}


def run_kedro(project: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `kedro ...` in the copy; the result holds output and exit status.

    In a process forked from a server that has imported torch, MLflow and the like, as most of a short command's time is
    theirs.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        task = {"arguments": arguments, "folder": str(project), "environment": environment(project, **more)}
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps({**task, "out": str(out), "err": str(err)}) + "\n")
        server.stdin.flush()
        assert select.select([server.stdout], [], [], 900)[0], f"kedro {' '.join(arguments)} does not end"
        status = int(server.stdout.readline())
        return subprocess.CompletedProcess(["kedro", *arguments], status, out.read_text(), err.read_text())


def run_kedro_anew(project: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`run_kedro` in an interpreter of its own, as a user's shell starts it."""
    command = [sys.executable, "-m", "kedro", *arguments]
    return subprocess.run(
        command, cwd=project, env=environment(project, **more), capture_output=True, text=True, timeout=900
    )


@functools.cache
def _server() -> subprocess.Popen[str]:
    quiet = environment(PROJECT)
    del quiet["PYTHONPATH"]
    program = [sys.executable, str(Path(__file__).with_name("kedro_server.py")), str(_made_once() / "mlflow.db")]
    started = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=quiet)
    atexit.register(started.kill)
    return started


def tables(project: Path, space: str) -> dict[str, pd.DataFrame]:
    """The newest version of every table that runs wrote for a space, but for those that are measured."""
    files = sorted(project.glob(f"data/0[2-8]_*/{space}/*.parquet/*/*.parquet"))
    return {file.stem: pd.read_parquet(file) for file in files if file.stem not in MEASURED}
