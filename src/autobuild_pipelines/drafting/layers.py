"""What layers may be, from those that occur: features with their choices, and how a layer is called."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from autobuild_pipelines.drafting.observed import DraftError, Observed, RawLayer

Value = bool | int | float | str

CHANCE = 0.01
"""What is rarer than this by chance is taken for a rule of the space."""

_NUMBERED = re.compile(r"([A-Za-z]+)(\d+(?:\.\d+)?)")
_SPOKEN = {"e": "expand", "k": "kernel", "c": "channels", "w": "width"}
_SINGLE = "layer"


@dataclass(frozen=True)
class ObservedLayers:
    """The layers of a space.

    Attributes:
        choices: Of every feature, in order, what it may be.
        name: `layer_name` of the declaration; None where the table's layers are objects.
        unseen: Combinations of choices that no layer of the table has.
        features_of: Of every layer name, its features; empty where the table's layers are objects.
    """

    choices: dict[str, tuple[Value, ...]]
    name: str | None
    unseen: int
    features_of: Mapping[str, Mapping[str, Value]]

    def features(self, layer: RawLayer) -> Mapping[str, Any]:
        """A layer's features."""
        return self.features_of[layer] if isinstance(layer, str) else layer

    def narrower(self, layers: Iterable[RawLayer]) -> dict[str, tuple[Value, ...]]:
        """The features that have fewer choices among these layers than in all, unless that may well be chance."""
        found = [self.features(layer) for layer in layers]
        out = {}
        for name, choices in self.choices.items():
            kept = tuple(c for c in choices if any(_same(f[name], c) for f in found))
            by_chance = len(choices) * (1 - 1 / len(choices)) ** len(found) if len(choices) > 1 else 1
            if len(kept) < len(choices) and by_chance < CHANCE:
                out[name] = kept
        return out


def observed_layers(found: Observed) -> ObservedLayers:
    """Read features off layers: the keys of objects, or the parts of names such as `conv_e6_k3`.

    A name is taken apart at `_` and `-`. Parts that are the same letters with different numbers are a feature of that
    name, other parts that differ are a feature of words. Where combinations are missing that chance does not explain,
    the names are no product of features: then they are the choices of a single one.

    Raises:
        DraftError: Layers differ in their features, a feature is no plain value, or there is one layer only.
    """
    layers = _of_names(found) if found.named else _of_objects(found)
    if all(len(choices) < 2 for choices in layers.choices.values()):
        raise DraftError(f"{found.source}: all layers are the same, nothing is left to choose")
    return layers


def _of_objects(found: Observed) -> ObservedLayers:
    first = next(layer for layer in found.layers() if not isinstance(layer, str))
    values: dict[str, list[Value]] = {str(name): [] for name in first}
    seen = set()
    for row, units in enumerate(found.units, start=1):
        for layer in (layer for unit in units for layer in unit):
            assert not isinstance(layer, str)
            if set(layer) != set(first):
                differing = sorted(set(layer) ^ set(first), key=str)[0]
                raise DraftError(
                    f"{found.source} row {row}: every layer needs the same features, {differing!r} is not in all of "
                    "them; give the others a value that means none"
                )
            for name, value in layer.items():
                if not isinstance(value, bool | int | float | str):
                    raise DraftError(f"{found.source} row {row}: feature {name!r} is {value!r:.60}, no plain value")
                values[name].append(value)
            seen.add(tuple((name, type(layer[name]), layer[name]) for name in first))
    choices = {name: _ordered(given) for name, given in values.items()}
    return ObservedLayers(choices, None, math.prod(map(len, choices.values())) - len(seen), {})


def _of_names(found: Observed) -> ObservedLayers:
    layers = [layer for layer in found.layers() if isinstance(layer, str)]
    names = sorted(set(layers))
    parts = _product(names)
    if parts is not None:
        combinations = math.prod(len(choices) for choices in parts.choices.values())
        expected = combinations * math.exp(-len(layers) / combinations)
        if parts.unseen <= 2 * expected:
            return parts
    features = {name: {_SINGLE: name} for name in names}
    return ObservedLayers({_SINGLE: tuple(names)}, f"{{{_SINGLE}}}", 0, features)


def _product(names: Sequence[str]) -> ObservedLayers | None:
    """The names as combinations of features; None where their parts do not line up."""
    split = [re.split(r"([_-])", name) for name in names]
    if len({tuple(parts[1::2]) for parts in split}) != 1:
        return None
    columns = list(zip(*split, strict=True))
    choices: dict[str, tuple[Value, ...]] = {}
    template = ""
    of_column: list[tuple[str, list[Value]]] = []
    for position, column in enumerate(columns):
        if len(set(column)) == 1:
            template += column[0].replace("{", "{{").replace("}", "}}")
            continue
        prefix, values = _numbers(column)
        name = _SPOKEN.get(prefix, prefix) or ("operation" if position == 0 else f"part{position // 2 + 1}")
        if name in choices:
            return None
        choices[name] = _ordered(values)
        of_column.append((name, values))
        template += f"{prefix}{{{name}}}"
    features = {name: {f: values[i] for f, values in of_column} for i, name in enumerate(names)}
    if not choices or any(template.format(**f) != name for name, f in features.items()):
        return None
    return ObservedLayers(choices, template, math.prod(map(len, choices.values())) - len(names), features)


def _numbers(column: Sequence[str]) -> tuple[str, list[Value]]:
    """The letters that all parts start with, and the numbers behind; or no letters, and the parts themselves."""
    matches = [_NUMBERED.fullmatch(part) for part in column]
    found = [match for match in matches if match is not None]
    if len(found) < len(column) or any(a[1] != b[1] for a, b in pairwise(found)):
        return "", list(column)
    return found[0][1], [float(match[2]) if "." in match[2] else int(match[2]) for match in found]


def _ordered(values: Iterable[Value]) -> tuple[Value, ...]:
    distinct = {(isinstance(value, bool), isinstance(value, str), value): value for value in values}
    if any(isinstance(value, str) for value in distinct.values()):
        return tuple(sorted(distinct.values(), key=str))
    return tuple(sorted(distinct.values(), key=float))


def _same(value: Any, choice: Value) -> bool:
    return bool(value == choice) and isinstance(value, bool) == isinstance(choice, bool)
