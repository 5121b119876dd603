"""Runs `kedro` commands in processes forked from one that has already imported what all of them import.

A program of its own, see `project_copy.run_kedro`: every line of its input is a command in JSON, with `arguments`,
`folder`, `environment`, and the files `out` and `err`; it answers each with the exit status. The package itself is not
imported beforehand, since every command has its own copy.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from typing import Any

IMPORTED = (
    "kedro.framework.cli.cli",
    "kedro.framework.session",
    "kedro_datasets.plotly",
    "kedro_mlflow.framework.hooks.mlflow_hook",
    "mlflow.pyfunc",
    "pandera.pandas",
    "plotly.graph_objects",
    "plotly.offline",
    "pyarrow.parquet",
    "scipy.stats",
    "sklearn.linear_model",
    "sqlalchemy.orm",
    "torch",
)
"""What takes long to import, and does not depend on folder or environment."""


def main() -> None:
    """Fork a process for every command and wait for it."""
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            run(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


def run(command: dict[str, Any]) -> None:
    """Become `python -m kedro` of this command; ends the process."""
    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(command[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
        os.close(file)
    os.environ.clear()
    os.environ.update(command["environment"])
    os.chdir(command["folder"])
    sys.path[:1] = [command["folder"], *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    sys.argv = ["kedro", *command["arguments"]]
    runpy.run_module("kedro", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    main()
