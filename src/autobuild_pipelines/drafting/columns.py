"""What the other columns of a table are: labels, to be high or low, and features of the whole network."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autobuild_pipelines.drafting.observed import DraftError, Observed
from autobuild_pipelines.targets.equation import FUNCTIONS

MAX_CHOICES = 12
"""Most values of a feature of the whole network; a column of more is a label, or text that is left out."""

_LOW = frozenset(
    {
        *("latency", "lat", "time", "ms", "seconds", "energy", "power", "cost"),
        *("macs", "flops", "params", "parameters", "memory", "mem", "bytes", "mb", "size"),
        *("error", "err", "loss", "fid", "perplexity", "ppl", "rmse", "mae", "mse", "wer", "cer"),
    }
)
"""Words in a label's name that say that less is better."""


@dataclass(frozen=True)
class Label:
    """A column that says how good an architecture is.

    Attributes:
        name: Its name, as equations use it.
        high: Whether more is better.
        values: [records] numbers.
    """

    name: str
    high: bool
    values: Sequence[float]


@dataclass(frozen=True)
class ObservedColumns:
    """The columns beside `units`.

    Attributes:
        labels: The labels, in the file's order (or as they were asked for).
        graph: Features of the whole network with their choices.
        left_out: Other columns, and why they are not used.
    """

    labels: list[Label]
    graph: dict[str, list[Any]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def observed_columns(found: Observed, maximise: Sequence[str] = (), minimise: Sequence[str] = ()) -> ObservedColumns:
    """Tell labels from features.

    A column is a feature of the whole network where it has few values, words or whole numbers, again and again; a label
    where it is a number otherwise, to be low if its name says so (`latency_ms`, `error`), else high. Where labels are
    named, they are the labels and no others.

    Raises:
        DraftError: A named label is not in the table, not a number in every row, or there is no label.
    """
    asked = {**dict.fromkeys(maximise, True), **dict.fromkeys(minimise, False)}
    if both := [name for name in maximise if name in minimise]:
        raise DraftError(f"{both[0]!r} is to be maximised and minimised; name it once")
    if unknown := [name for name in asked if name not in found.columns]:
        raise DraftError(f"{found.source}: has no column {unknown[0]!r}; it has {', '.join(found.columns) or 'none'}")
    out = ObservedColumns([])
    for name, values in found.columns.items():
        problem = _no_label(name, values)
        if name in asked and problem:
            raise DraftError(f"{found.source}: column {name!r} cannot be a label: {problem}")
        if name in asked:
            continue
        if choices := _choices(values):
            out.graph[name] = choices
        elif len({str(v) for v in values}) == 1:
            out.left_out[name] = f"it is {values[0]} in every row"
        elif problem or asked:
            out.left_out[name] = problem or "other labels were named"
        else:
            out.labels.append(Label(name, not _LOW & set(re.split(r"[^a-z]+", name.lower())), values))
    out.labels.extend(Label(name, high, found.columns[name]) for name, high in asked.items())
    if not out.labels:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in out.left_out.items())
        raise DraftError(
            f"{found.source}: has no label, a column of numbers that says how good an architecture is"
            + (f" ({reasons})" if reasons else "")
        )
    return out


def _no_label(name: str, values: Sequence[Any]) -> str:
    """Why a column is no label; "" if it may be one."""
    if not name.isidentifier() or keyword.iskeyword(name) or name in FUNCTIONS:
        better = re.sub(r"\W+", "_", name).strip("_") or "label"
        better = better if better.isidentifier() and better not in FUNCTIONS else f"{better}_value"
        return f"equations cannot read this name; call the column {better}"
    for row, value in enumerate(values, start=1):
        if value is None:
            return f"row {row} has no value"
        if isinstance(value, str):
            return f"row {row} is the text {value!r:.40}"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"row {row} is {value!r:.40}, no finite number"
    return ""


def _choices(values: Sequence[Any]) -> list[Any]:
    """The values of a feature of the whole network, in order; none where it is not one."""
    kinds = {type(value) for value in values}
    if not (kinds <= {int} or kinds <= {str} or kinds <= {bool}):
        return []
    distinct = sorted(set(values))
    repeats = len(values) >= 4 * len(distinct)
    return distinct if 1 < len(distinct) <= MAX_CHOICES and repeats else []
