"""A search space: sizes, modules, samples, checks and encodings, all computed from its declaration."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from autobuild_pipelines.spaces.architecture import (
    ABSENT,
    Architecture,
    ArchitectureArray,
    Codes,
    Layer,
    hash_json,
    to_json,
)
from autobuild_pipelines.spaces.declaration import SpaceDeclaration, Value, read_declaration
from autobuild_pipelines.spaces.errors import ArchitectureError, SpaceError
from autobuild_pipelines.spaces.unit import RankingUnit, Unit

MAX_VOCABULARY = 10_000


class SearchSpace:
    """What architectures there are, read from data.

    Args:
        name: The space's name; part of every architecture id.
        declaration: Its checked declaration.

    Attributes:
        units: The declared units.
        ranking_units: What modules are ranked in; several declared units may be merged into one.
        features: Names of the searched layer features, in declaration order.
        vocabulary: [layers, features] int16: for every layer code the index of each feature's choice.
    """

    def __init__(self, name: str, declaration: SpaceDeclaration) -> None:
        self.name = name
        self.declaration = declaration
        self.features: tuple[str, ...] = tuple(
            key for key, feature in declaration.layer_features.items() if feature.value is None
        )
        choices = [declaration.layer_features[key].choices for key in self.features]
        if math.prod(map(len, choices)) > MAX_VOCABULARY:
            raise SpaceError(f"space {name!r}: layer_features: more than {MAX_VOCABULARY} different layers")
        grid = np.indices([len(c) for c in choices], dtype=np.int16)
        self.vocabulary: Codes = grid.reshape(len(choices), -1).T
        self.slots = 0
        self.units = self._build_units()
        self.ranking_units = self._build_ranking_units()

    @classmethod
    def from_mapping(cls, name: str, content: Any, *, source: str = "") -> SearchSpace:
        """Read the mapping of one space; raises `SpaceError` naming the key that is wrong."""
        return cls(name, read_declaration(name, content, source=source))

    @classmethod
    def from_yaml(cls, path: str | Path, name: str | None = None) -> SearchSpace:
        """Read a YAML file `{name: declaration}`; `name` may be left out when the file holds one space.

        Raises:
            SpaceError: The file is not YAML, lacks the space, or a key of it is wrong.
        """
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise SpaceError(f"{path}: not a YAML file: {error}") from None
        if not isinstance(content, Mapping) or not content:
            raise SpaceError(f"{path}: expected a mapping of a space's name to its declaration")
        if name is None and len(content) > 1:
            raise SpaceError(f"{path}: holds {sorted(content)}; say which space to read")
        name = name if name is not None else str(next(iter(content)))
        if name not in content:
            raise SpaceError(f"{path}: has no space {name!r}, only {sorted(content)}")
        # The declaration may stand next to other settings of the space under the key "space".
        body = content[name]
        if isinstance(body, Mapping) and "space" in body:
            body = body["space"]
        return cls.from_mapping(name, body, source=str(path))

    # -- sizes ---------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of architectures without graph-level features (§7.2), exactly."""
        return math.prod(unit.count() for unit in self.units)

    @property
    def size_with_graph_features(self) -> int:
        """Number of architectures counting every graph-level choice."""
        return self.size * math.prod(len(f.choices) for f in self.declaration.graph_features.values())

    @property
    def module_count(self) -> int:
        """Number of modules over all ranking units, exactly."""
        return sum(unit.count() for unit in self.ranking_units)

    # -- parts ---------------------------------------------------------------------------------------------------

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layer of every code."""
        choices = [self.declaration.layer_features[key].choices for key in self.features]
        return tuple(
            tuple(sorted((f, c[i]) for f, c, i in zip(self.features, choices, row, strict=True)))
            for row in self.vocabulary.tolist()
        )

    @cached_property
    def layer_names(self) -> tuple[str, ...]:
        """The printed name of every layer code, by `layer_name` of the declaration (or `feature=value` pairs)."""
        template = self.declaration.layer_name
        if template is None:
            return tuple(",".join(f"{k}={v}" for k, v in layer) for layer in self.layers)
        try:
            names = tuple(template.format(**dict(layer)) for layer in self.layers)
        except (KeyError, IndexError, ValueError) as error:
            raise SpaceError(f"space {self.name!r}: layer_name: {template!r} does not fit: {error}") from None
        if len(set(names)) != len(names):
            raise SpaceError(f"space {self.name!r}: layer_name: {template!r} gives two layers the same name")
        return names

    @cached_property
    def code_of_layer(self) -> dict[Layer, int]:
        """The code of every layer."""
        return {layer: code for code, layer in enumerate(self.layers)}

    @cached_property
    def code_of_name(self) -> dict[str, int]:
        """The code of every printed layer name."""
        return {name: code for code, name in enumerate(self.layer_names)}

    @property
    def graph_features(self) -> tuple[str, ...]:
        """Names of the graph-level features, in declaration order."""
        return tuple(self.declaration.graph_features)

    @cached_property
    def slot_units(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """[slots] 0-based declared unit of every slot."""
        return np.repeat(np.arange(len(self.units)), [unit.slots for unit in self.units])

    @cached_property
    def slot_positions(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """[slots] 0-based layer position of every slot inside its declared unit."""
        return np.concatenate([np.arange(unit.slots) for unit in self.units])

    @property
    def max_positions(self) -> int:
        """Most layers that any declared unit may have."""
        return max(unit.slots for unit in self.units)

    # -- architectures -------------------------------------------------------------------------------------------

    def architecture(
        self, units: Sequence[Sequence[str | Mapping[str, Any]]], graph: Mapping[str, Any] | None = None
    ) -> Architecture:
        """Check and normalise one architecture.

        Args:
            units: Per unit its layers, each a layer name or an object of the layer features. Objects may repeat
                graph-level features (then all must agree) and constant features.
            graph: Graph-level features. A feature given nowhere takes the declared default.

        Raises:
            ArchitectureError: Names the unit and the layer, what is wrong and what would be right.
        """
        if isinstance(units, str | bytes | Mapping) or not isinstance(units, Sequence):
            raise self._error(f"units: expected a list of lists of layers, got {_short(units)}")
        if len(units) != len(self.units):
            raise self._error(f"has {len(units)} units, expected {len(self.units)}")
        found: dict[str, Any] = {}
        for key, value in (graph or {}).items():
            name = self._graph_spellings.get(key)
            if name is None:
                raise self._error(f"unknown graph feature {_short(key)}, expected {list(self.graph_features)}")
            found[name] = value
        parsed = tuple(self._unit(unit, layers, found) for unit, layers in zip(self.units, units, strict=True))
        return Architecture(self.name, self._graph(found), parsed)

    def encode(self, architectures: Iterable[Architecture]) -> ArchitectureArray:
        """Integer codes of checked architectures of this space.

        Raises:
            ArchitectureError: An architecture belongs to another space.
        """
        items = list(architectures)
        layers = np.full((len(items), self.slots), ABSENT, dtype=np.int16)
        graph = np.zeros((len(items), len(self.graph_features)), dtype=np.int16)
        for row, item in enumerate(items):
            if item.space != self.name:
                raise self._error(f"architecture {item.id} belongs to space {item.space!r}")
            for unit, module in zip(self.units, item.units, strict=True):
                codes = [self.code_of_layer[layer] for layer in module]
                layers[row, unit.start : unit.start + len(codes)] = codes
            values = dict(item.graph)
            for column, name in enumerate(self.graph_features):
                graph[row, column] = self.declaration.graph_features[name].choices.index(values[name])
        return ArchitectureArray(layers, graph)

    def decode(self, array: ArchitectureArray) -> list[Architecture]:
        """The architectures of integer codes; the inverse of `encode`."""
        out = []
        for layers, graph in zip(array.layers.tolist(), array.graph.tolist(), strict=True):
            units = tuple(tuple(self.layers[c] for c in layers[unit.columns] if c != ABSENT) for unit in self.units)
            out.append(Architecture(self.name, self._graph_values(graph), units))
        return out

    def canonical_json(self, array: ArchitectureArray) -> list[str]:
        """`Architecture.canonical_json` of every architecture, without building the objects."""
        graphs = [to_json(dict(self._graph_values(row))) for row in array.graph.tolist()]
        name = to_json(self.name)
        return [
            f'{{"graph":{graph},"space":{name},"units":{units}}}'
            for graph, units in zip(graphs, self.units_json(array.layers), strict=True)
        ]

    def units_json(self, layers: Codes) -> list[str]:
        """Canonical JSON of the units alone: per architecture a list of units of layer objects."""
        columns = [unit.columns for unit in self.units]
        return ["[" + ",".join(self._module_json(row[column]) for column in columns) + "]" for row in layers.tolist()]

    def module_json(self, modules: Codes) -> list[str]:
        """JSON list of layer objects of every module [n, slots of its ranking unit]."""
        return [self._module_json(row) for row in modules.tolist()]

    def parse_module(self, unit: RankingUnit, module: str | Sequence[str | Mapping[str, Any]]) -> Codes:
        """Layer codes [slots] of a module given as a (JSON) list of layer names or objects.

        Raises:
            ArchitectureError: The module does not fit the ranking unit.
        """
        layers = json.loads(module) if isinstance(module, str) else module
        if len(layers) not in unit.depths:
            raise self._error(
                f"unit {unit.number} ({unit.name}) has {len(layers)} layers, expected {_span(unit.depths)}"
            )
        spare = len(layers) - sum(part.depths[0] for part in unit.units)
        out = np.full(unit.slots, ABSENT, dtype=np.int16)
        position, start = 0, 0
        for part in unit.units:
            depth = part.depths[0] + (spare if len(part.depths) > 1 else 0)
            parsed = self._unit(part, layers[position : position + depth], {})
            out[start : start + depth] = [self.code_of_layer[layer] for layer in parsed]
            position, start = position + depth, start + part.slots
        return out

    def ids(self, array: ArchitectureArray) -> list[str]:
        """`Architecture.id` of every architecture."""
        return [hash_json(text) for text in self.canonical_json(array)]

    def graph_code(self, values: Mapping[str, Any] | None = None) -> Codes:
        """[graph features] codes of graph-level values (declared defaults where left out)."""
        chosen = dict(self._graph(dict(values or {})))
        return np.asarray(
            [self.declaration.graph_features[name].choices.index(chosen[name]) for name in self.graph_features],
            dtype=np.int16,
        )

    def graph_values(self, array: ArchitectureArray) -> dict[str, list[Value]]:
        """Column of values of every graph-level feature."""
        return {
            name: [self.declaration.graph_features[name].choices[i] for i in array.graph[:, column].tolist()]
            for column, name in enumerate(self.graph_features)
        }

    # -- random and restricted -----------------------------------------------------------------------------------

    def sample(
        self,
        count: int,
        rng: np.random.Generator,
        *,
        law: str = "modules",
        graph: Mapping[str, Any] | None = None,
    ) -> ArchitectureArray:
        """Random architectures, with replacement.

        Args:
            count: How many.
            rng: Source of randomness; the same state gives the same architectures.
            law: "modules" draws uniformly from the whole space; "depths" first draws every unit's number of layers
                uniformly, then its layers (as the published caches were drawn).
            graph: Fixed graph-level values; those left out are drawn uniformly.
        """
        if law not in ("modules", "depths"):
            raise ValueError(f"law must be 'modules' or 'depths', got {law!r}")
        layers = np.concatenate([unit.draw(count, rng, law) for unit in self.units], axis=1)
        codes = np.empty((count, len(self.graph_features)), dtype=np.int16)
        for column, name in enumerate(self.graph_features):
            choices = self.declaration.graph_features[name].choices
            if graph and name in graph:
                codes[:, column] = self._graph_index(name, graph[name])
            else:
                codes[:, column] = rng.integers(0, len(choices), size=count)
        return ArchitectureArray(layers, codes)

    def contains(self, array: ArchitectureArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """[n] whether each encoded architecture of the unrestricted space lies in this (restricted) one."""
        inside = np.ones(len(array), dtype=bool)
        for unit in self.units:
            block = array.layers[:, unit.columns]
            depth = (block != ABSENT).sum(axis=1)
            inside &= np.isin(depth, unit.depths)
            group = np.full(len(self.vocabulary) + 1, -1)
            for code, index in unit.group_of.items():
                group[code] = index
            groups = group[block]
            first = groups[:, :1]
            inside &= ((block == ABSENT) | ((groups == first) & (groups >= 0))).all(axis=1)
        return inside

    def restrict(self, name: str) -> SearchSpace:
        """The part of this space that the declared restriction `name` leaves; same codes, same ids.

        Raises:
            SpaceError: No such restriction, or it leaves a unit empty.
        """
        if name not in self.declaration.restrictions:
            known = sorted(self.declaration.restrictions) or "none"
            raise SpaceError(f"space {self.name!r}: no restriction {name!r}; declared: {known}")
        restriction = self.declaration.restrictions[name]
        removed = {
            code
            for code, layer in enumerate(self.layers)
            if any(all(dict(layer).get(f) == v for f, v in pattern.items()) for pattern in restriction.removed)
        }
        limits = restriction.max_layers or tuple(unit.depths[-1] for unit in self.units)
        restricted = SearchSpace(self.name, self.declaration)
        restricted.units = tuple(
            self._narrow(unit, removed, limit, name) for unit, limit in zip(self.units, limits, strict=True)
        )
        restricted.ranking_units = restricted._build_ranking_units()
        return restricted

    def mutation_probabilities(self, restriction: str | None, default: float) -> tuple[float, ...]:
        """Per declared unit the probability that a layer-wise mutation hits it (§7.5, `layer_insight.yml`)."""
        if restriction is not None:
            odds = self.declaration.restrictions[restriction].mutation_probability
            if odds is not None:
                return odds
        return (default,) * len(self.units)

    # -- private -------------------------------------------------------------------------------------------------

    def _build_units(self) -> tuple[Unit, ...]:
        units, start = [], 0
        equal = self.declaration.constraints.equal_within_unit
        for number, declared in enumerate(self.declaration.units, start=1):
            allowed = self._allowed_codes(declared.choices)
            shared: tuple[str, ...] = ()
            if equal is not None and (not equal.units or number in equal.units):
                shared = tuple(equal.features) or self.features
            unit = Unit(
                number, declared.name, declared.layers, self._groups(allowed, shared), start, declared.layers[-1]
            )
            units.append(unit)
            start += unit.slots
        self.slots = start
        return tuple(units)

    def _allowed_codes(self, narrower: Mapping[str, Sequence[Value]]) -> list[int]:
        choices = [
            [i for i, c in enumerate(self.declaration.layer_features[f].choices) if c in narrower.get(f, (c,))]
            for f in self.features
        ]
        allowed = set(product(*choices))
        return [code for code, row in enumerate(self.vocabulary.tolist()) if tuple(row) in allowed]

    def _groups(self, codes: Sequence[int], shared: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        columns = [self.features.index(f) for f in shared if f in self.features]
        groups: dict[tuple[int, ...], list[int]] = {}
        for code in codes:
            groups.setdefault(tuple(self.vocabulary[code, columns].tolist()), []).append(code)
        return tuple(tuple(group) for group in groups.values())

    def _build_ranking_units(self) -> tuple[RankingUnit, ...]:
        merged = {group[0]: group for group in self.declaration.ranking_groups}
        out: list[RankingUnit] = []
        number = 1
        while number <= len(self.units):
            group = merged.get(number, (number,))
            parts = tuple(self.units[u - 1] for u in group)
            out.append(RankingUnit(len(out) + 1, "+".join(unit.name for unit in parts), parts))
            number += len(group)
        return tuple(out)

    def _narrow(self, unit: Unit, removed: set[int], limit: int, name: str) -> Unit:
        groups = tuple(tuple(c for c in group if c not in removed) for group in unit.groups)
        groups = tuple(group for group in groups if group)
        depths = tuple(d for d in unit.depths if d <= limit)
        if not groups or not depths:
            raise SpaceError(f"space {self.name!r}: restrictions.{name}: leaves unit {unit.number} without modules")
        return replace(unit, groups=groups, depths=depths)

    def _unit(self, unit: Unit, layers: Any, graph: dict[str, Any]) -> tuple[Layer, ...]:
        where = f"unit {unit.number} ({unit.name})"
        if isinstance(layers, str | bytes | Mapping) or not isinstance(layers, Sequence):
            raise self._error(f"{where}: expected a list of layers, got {_short(layers)}")
        if len(layers) not in unit.depths:
            raise self._error(f"{where} has {len(layers)} layers, expected {_span(unit.depths)}")
        parsed = tuple(self._layer(unit, i, layer, graph) for i, layer in enumerate(layers, start=1))
        if len({unit.group_of[self.code_of_layer[layer]] for layer in parsed}) > 1:
            shared = self.declaration.constraints.equal_within_unit
            raise self._error(
                f"{where}: its layers must agree in {list(shared.features if shared else ()) or list(self.features)}"
            )
        return parsed

    def _layer(self, unit: Unit, position: int, layer: Any, graph: dict[str, Any]) -> Layer:
        where = f"unit {unit.number} ({unit.name}) layer {position}"
        if isinstance(layer, str):
            code = self.code_of_name.get(layer)
            if code is None:
                raise self._error(f"{where}: unknown layer {_short(layer)}, expected one like {self.layer_names[0]!r}")
            parsed = self.layers[code]
        elif isinstance(layer, Mapping):
            parsed = self._layer_object(where, layer, graph)
            code = self.code_of_layer[parsed]
        else:
            raise self._error(f"{where}: expected a layer name or an object, got {_short(layer)}")
        if code not in unit.group_of:
            raise self._error(f"{where}: {self.layer_names[code]} is not allowed in this unit")
        return parsed

    def _layer_object(self, where: str, layer: Mapping[str, Any], graph: dict[str, Any]) -> Layer:
        values: dict[str, Value] = {}
        for key, value in layer.items():
            if key in self._graph_spellings:
                name = self._graph_spellings[key]
                if name in graph and graph[name] != value:
                    raise self._error(f"{where}: {name}={_short(value)} differs from {_short(graph[name])} before it")
                graph[name] = value
                continue
            feature = self._layer_spellings.get(key)
            if feature is None:
                raise self._error(f"{where}: unknown feature {_short(key)}, expected {list(self.features)}")
            declared = self.declaration.layer_features[feature]
            choice = _match(value, declared.choices if declared.value is None else (declared.value,))
            if choice is None:
                raise self._error(f"{where}: {feature}={_short(value)} is not one of {_listed(declared.choices)}")
            if declared.value is None:
                values[feature] = choice
        if missing := [f for f in self.features if f not in values]:
            raise self._error(f"{where}: lacks {missing}")
        return tuple(sorted(values.items()))

    def _graph(self, found: Mapping[str, Any]) -> tuple[tuple[str, Value], ...]:
        values: dict[str, Value] = {}
        for name, feature in self.declaration.graph_features.items():
            if name in found:
                values[name] = feature.choices[self._graph_index(name, found[name])]
            elif feature.default is not None:
                values[name] = feature.default
            else:
                raise self._error(f"lacks {name}, one of {_listed(feature.choices)}")
        return tuple(sorted(values.items()))

    def _graph_index(self, name: str, value: Any) -> int:
        choices = self.declaration.graph_features[name].choices
        choice = _match(value, choices)
        if choice is None:
            raise self._error(f"{name}={_short(value)} is not one of {_listed(choices)}")
        return choices.index(choice)

    def _graph_values(self, row: Sequence[int]) -> tuple[tuple[str, Value], ...]:
        features = self.declaration.graph_features
        return tuple(sorted((n, features[n].choices[i]) for n, i in zip(self.graph_features, row, strict=True)))

    @cached_property
    def _graph_spellings(self) -> dict[str, str]:
        return {s: n for n, f in self.declaration.graph_features.items() for s in (n, *f.aliases)}

    @cached_property
    def _layer_spellings(self) -> dict[str, str]:
        return {s: n for n, f in self.declaration.layer_features.items() for s in (n, *f.aliases)}

    @cached_property
    def _layer_json(self) -> tuple[str, ...]:
        return tuple(to_json(dict(layer)) for layer in self.layers)

    def _module_json(self, codes: Sequence[int]) -> str:
        return "[" + ",".join(self._layer_json[c] for c in codes if c != ABSENT) + "]"

    def _error(self, message: str) -> ArchitectureError:
        return ArchitectureError(f"{self.name}: {message}")


def _match(value: Any, choices: Sequence[Value]) -> Value | None:
    """The choice equal to `value`; 3.0 matches 3, but True does not match 1."""
    if isinstance(value, np.generic):
        value = value.item()
    for choice in choices:
        same_kind = all(isinstance(value, kind) == isinstance(choice, kind) for kind in (bool, str))
        if same_kind and value == choice:
            return choice
    return None


def _span(depths: Sequence[int]) -> str:
    if len(depths) == 1:
        return str(depths[0])
    consecutive = list(depths) == list(range(depths[0], depths[-1] + 1))
    return f"{depths[0]}-{depths[-1]}" if consecutive else _listed(depths)


def _listed(values: Sequence[Value]) -> str:
    return ", ".join(str(value) for value in values)


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer too long to print
        text = f"a very long {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."
