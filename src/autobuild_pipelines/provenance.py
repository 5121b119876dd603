"""What a run's record says: code revision, package versions, flattened parameters, metrics out of tables."""

from __future__ import annotations

import importlib.metadata
import math
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

PACKAGES = ("autobuild-pipelines", "kedro", "mlflow", "numpy", "pandas", "scipy", "torch")
"""Packages whose versions stand in a run's tags; all versions are in its `environment.txt`."""

MEASURE = "measure"
"""Stands among the keys of a metric's name for the column that holds the value."""

_NOT_IN_A_NAME = re.compile(r"[^/\w.\- :]")


class MetricPoint(NamedTuple):
    """One value of one metric; `step` is an epoch, or 0."""

    name: str
    value: float
    step: int


def git_revision(folder: Path) -> tuple[str, bool]:
    """The checked-out commit and whether files differ from it; ("unknown", False) outside a git checkout."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return "unknown", False
    return commit, bool(_git(folder, "status", "--porcelain"))


def package_versions() -> dict[str, str]:
    """Versions of Python and of `PACKAGES`."""
    return {"python": platform.python_version(), **versions(PACKAGES)}


def versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of distributions; "not installed" where there is none of that name."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def environment() -> str:
    """All installed distributions, one `name==version` a line, sorted."""
    lines = {f"{item.name}=={item.version}" for item in importlib.metadata.distributions()}
    return "\n".join(
        [f"# Python {platform.python_version()} on {platform.platform()}", *sorted(lines, key=str.lower), ""]
    )


def flatten(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """`{"a": {"b": 1}}` as `{"a.b": "1"}`; lists are leaves."""
    out: dict[str, str] = {}
    for key, value in parameters.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping) and value:
            out.update(flatten(value, name))
        else:
            out[metric_name(name)] = str(value)
    return out


def table_metrics(prefix: str, table: pd.DataFrame, settings: Mapping[str, Any]) -> list[MetricPoint]:
    """Metrics out of a table, as a catalog entry's `metadata: {mlflow: {metrics: ...}}` says.

    Args:
        prefix: Starts every name: the space.
        table: Any table; values that are not finite are left out.
        settings: `under`, what the metrics tell of, second in the name; `keys`, the columns whose cells make the rest
            of it; `values`, the columns that hold values (by default every other numeric column); `step`, the column of
            steps, if any. The name of the column of values stands where `keys` says "measure", else last unless it is
            "value".

    Returns:
        `ofa_mbv3/predictors/held_out/autobuild/spearman/acc` and the like, row by row; MLflow gathers charts by what
        stands before the last "/".
    """
    keys: Sequence[str] = settings.get("keys", [])
    start = [part for part in (prefix, settings.get("under")) if part]
    step: str | None = settings.get("step")
    values = settings.get("values") or [
        str(column) for column in table.select_dtypes("number").columns if column not in keys and column != step
    ]
    out: list[MetricPoint] = []
    steps = table[step].astype(int).tolist() if step else [0] * len(table)
    cells = table[[key for key in keys if key != MEASURE]].to_dict("list")
    for column in values:
        if column not in table.columns:
            continue
        parts = [[column] * len(table) if key == MEASURE else cells[key] for key in keys]
        if MEASURE not in keys and column != "value":
            parts.append([column] * len(table))
        names = ["/".join([*start, *(str(cell).replace("/", "_") for cell in row)]) for row in zip(*parts, strict=True)]
        for name, value, at in zip(names, table[column].astype(float).tolist(), steps, strict=True):
            if math.isfinite(value):
                out.append(MetricPoint(metric_name(name), value, at))
    return out


def metric_name(text: str) -> str:
    """The text with every character that MLflow refuses in a name replaced by "_"."""
    return _NOT_IN_A_NAME.sub("_", text)[:250]


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def pipeline_names(run_params: Mapping[str, Any], registered: Iterable[str]) -> list[str]:
    """The pipelines that a run was asked for, in the registry's order: Kedro's command line hands them over in any."""
    order = {name: place for place, name in enumerate(registered)}
    names = [str(name) for name in run_params.get("pipeline_names") or ()]
    return sorted(names, key=lambda name: order.get(name, len(order)))
