"""What one raw record says: units, graph features and labels, whatever form it came in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autobuild_pipelines.ingestion.errors import IngestError
from autobuild_pipelines.ingestion.readers import parse_json
from autobuild_pipelines.spaces import SearchSpace

_IDS = ("id", "architecture_id")
_UNITS = ("units", "original config", "net")
_SHOWN = 200


class RecordError(ValueError):
    """A record cannot be used; the message is the reason in the table of rejected rows."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record, taken apart but not yet checked against the space.

    Attributes:
        units: What it gives for its units.
        graph: Graph-level features by their declared names.
        labels: Its other plain values, checked when they are needed.
        defaulted: Graph-level features that it gives nowhere.
        ignored: Keys whose value is no plain value.
    """

    units: Any
    graph: dict[str, Any]
    labels: dict[str, Any]
    defaulted: tuple[str, ...]
    ignored: tuple[str, ...]


class RecordForm:
    """How records of a space are taken apart.

    Args:
        space: The search space, for the names of its graph-level features.
    """

    def __init__(self, space: SearchSpace) -> None:
        features = space.declaration.graph_features
        self._graph_names = tuple(features)
        self._spellings = {s: name for name, f in features.items() for s in (name, *f.aliases)}

    def read(self, raw: Any) -> Record:
        """Take a raw record apart.

        Raises:
            RecordError: It is no mapping, lacks units, or says the same thing twice in different ways.
        """
        if not isinstance(raw, Mapping):
            raise RecordError(f"expected a mapping with the key 'units', got {type(raw).__name__}")
        graph: dict[str, Any] = {}
        units = self._units(raw, graph)
        labels: dict[str, Any] = {}
        ignored: list[str] = []
        for key, value in raw.items():
            if key == "labels" or (key == "graph" and isinstance(value, Mapping)):
                self._nested(key, value, labels, graph)
            elif key in self._spellings:
                _put(graph, self._spellings[key], value, "graph feature")
            elif not is_column(key) and isinstance(key, str):
                continue
            elif isinstance(key, str) and _is_plain(value):
                _put(labels, key, value, "label")
            else:
                ignored.append(str(key)[:60])
        graph = {name: value for name, value in graph.items() if value is not None}
        defaulted = tuple(n for n in self._graph_names if n not in graph and not self._in_layers(n, units))
        return Record(units, graph, labels, defaulted, tuple(ignored))

    def _units(self, raw: Mapping[Any, Any], graph: dict[str, Any]) -> Any:
        key, units = units_of(raw)
        if key == "original config":
            if not isinstance(units, list | tuple) or len(units) != 2 or not self._graph_names:
                raise RecordError("'original config' is not [resolution, [[layer, ...] per unit]]")
            graph[self._graph_names[0]], units = units
        return _listed(units)

    def _nested(self, key: str, value: Any, labels: dict[str, Any], graph: dict[str, Any]) -> None:
        if value is None:
            return
        if not isinstance(value, Mapping):
            raise RecordError(f"{key!r} is a {type(value).__name__}, expected an object")
        for name, entry in value.items():
            if key == "graph":
                if name not in self._spellings:
                    raise RecordError(f"unknown graph feature {str(name)[:60]!r}, expected {list(self._graph_names)}")
                _put(graph, self._spellings[name], entry, "graph feature")
            elif not isinstance(name, str) or name in self._spellings or name in (*_UNITS, *_IDS):
                raise RecordError(f"{str(name)[:60]!r} cannot be the name of a label")
            else:
                _put(labels, name, entry, "label")

    def _in_layers(self, name: str, units: Any) -> bool:
        spellings = [s for s, n in self._spellings.items() if n == name]
        return any(
            s in layer
            for unit in (units if isinstance(units, list | tuple) else ())
            for layer in (unit if isinstance(unit, list | tuple) else ())
            if isinstance(layer, Mapping)
            for s in spellings
        )


def units_of(raw: Mapping[Any, Any]) -> tuple[str, Any]:
    """The key of a record under which its units stand, and what stands there, read where it is text.

    Text is JSON, or layer names with spaces between them and `|` between units: `e4_k3 | e6_k5 e4_k3 | e1_k3`.

    Raises:
        RecordError: It has no units, or they are text that cannot be read.
    """
    given = [key for key in _UNITS if raw.get(key) is not None]
    if not given:
        raise RecordError("has no 'units' (nor 'original config', nor 'net')")
    units = raw[given[0]]
    if not isinstance(units, str):
        return given[0], units
    if given[0] == "units" and "|" in units and units.lstrip()[:1] not in ("[", "{", '"'):
        return given[0], [unit.split() for unit in units.split("|")]
    try:
        return given[0], parse_json(units, given[0])
    except IngestError as error:
        raise RecordError(str(error)) from None


def is_column(key: Any) -> bool:
    """Whether a key of a record may name a label or a graph-level feature: not units, an id, or an unnamed index."""
    reserved = (*_UNITS, *_IDS, "labels", "graph", "")
    return isinstance(key, str) and key not in reserved and not key.startswith("__index_level_")


def number(value: Any, name: str) -> float:
    """The finite number of a label.

    Raises:
        RecordError: It is missing, a boolean, no number, or not finite.
    """
    if type(value) is float:
        if math.isfinite(value):
            return value
        raise RecordError(f"label {name!r} is {value}, expected a finite number")
    if value is None:
        raise RecordError(f"label {name!r} is missing")
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecordError(f"label {name!r} is {shown(value, 60)} ({type(value).__name__}), expected a number")
    try:
        converted = float(value)
    except OverflowError:
        raise RecordError(f"label {name!r} is an integer too large for a number") from None
    return number(converted, name)


def shown(value: Any, limit: int = _SHOWN) -> str:
    """The start of a value's text, whatever it holds."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer too long to print
        text = f"<{type(value).__name__} that cannot be printed>"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _put(target: dict[str, Any], name: str, value: Any, kind: str) -> None:
    if target.get(name) is not None and value is not None and not _same(target[name], value):
        raise RecordError(f"{kind} {name[:60]!r} is given twice: {shown(target[name], 40)} and {shown(value, 40)}")
    if target.get(name) is None:
        target[name] = value


def _same(first: Any, second: Any) -> bool:
    return type(first) is type(second) and not isinstance(first, np.ndarray) and bool(first == second)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str) or getattr(value, "ndim", 1) == 0


def _listed(units: Any) -> Any:
    """Units with numpy arrays (of a pickle) turned into lists."""
    if isinstance(units, np.ndarray):
        return units.tolist()
    return units
