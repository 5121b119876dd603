"""Runs `kedro` commands in processes forked from one that has already imported what all of them import.

A program of its own, see `project_copy.run_kedro`: every line of its input is a command in JSON, with `arguments`,
`folder`, `environment`, and the files `out` and `err`; it answers each with the exit status. The package itself is not
imported beforehand, since every command has its own copy.

The first run in a folder finds a copy of an empty MLflow database, whose path is the program's argument: making its
tables takes longer than many a run, and `project_copy.run_kedro_anew` tries a run that makes them.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

IMPORTED = (
    "kedro.framework.cli.cli",
    "kedro.framework.session",
    "kedro_datasets.plotly",
    "kedro_mlflow.framework.hooks.mlflow_hook",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "pandera.pandas",
    "plotly.graph_objects",
    "plotly.offline",
    "pyarrow.parquet",
    "scipy.stats",
    "sklearn.linear_model",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.orm",
    "torch",
    "torch._dynamo",
)
"""What takes long to import, and does not depend on folder or environment."""


def main() -> None:
    """Fork a process for every command and wait for it."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or every command's collector walks through all that was imported, and copies its pages
    database = Path(sys.argv[1])
    in_a_fork(make_database, database)
    for line in sys.stdin:
        command = json.loads(line)
        if command["arguments"][0] == "run" and not (Path(command["folder"]) / database.name).exists():
            shutil.copy(database, command["folder"])
        print(in_a_fork(run, command), flush=True)


def in_a_fork(work: Callable[[Any], None], argument: Any) -> int:
    """The exit status of a process that does the work."""
    process = os.fork()
    if process == 0:
        try:
            work(argument)
        except SystemExit as end:
            leave(end)
        leave(SystemExit())
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def leave(end: SystemExit) -> None:
    """End the process as the interpreter does, except that modules are not taken down, which takes it half a second."""
    if not isinstance(end.code, int | None):
        raise end
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(end.code or 0)


def make_database(file: Path) -> None:
    """What MLflow makes where there is no database yet."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(f"sqlite:///{file}", str(file.parent / "artifacts"))


def run(command: dict[str, Any]) -> None:
    """Do what `kedro` does with this command."""
    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(command[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
        os.close(file)
    os.environ.clear()
    os.environ.update(command["environment"])
    os.chdir(command["folder"])
    sys.path[:1] = [command["folder"], *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    sys.argv = ["kedro", *command["arguments"]]
    importlib.import_module("kedro.framework.cli").main()


if __name__ == "__main__":
    main()
