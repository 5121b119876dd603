"""A search space: sizes, modules, samples, checks and encodings, all computed from its declaration."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
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
from autobuild_pipelines.spaces.assignments import Assignments
from autobuild_pipelines.spaces.declaration import SpaceDeclaration, read_declaration
from autobuild_pipelines.spaces.declared_features import Value
from autobuild_pipelines.spaces.enumeration import Enumeration
from autobuild_pipelines.spaces.errors import SpaceError
from autobuild_pipelines.spaces.layer_codes import LayerCodes
from autobuild_pipelines.spaces.ranking_unit import RankingUnit
from autobuild_pipelines.spaces.reading import ArchitectureReader, span
from autobuild_pipelines.spaces.unit_building import declared_units, ranking_units


class SearchSpace:
    """What architectures there are, read from data.

    Args:
        name: The space's name; part of every architecture id.
        declaration: Its checked declaration.

    Attributes:
        units: The declared units.
        ranking_units: What modules are ranked in: the searched units, of which several may be merged into one.
        codes: What each layer code stands for.
        slots: Width of `ArchitectureArray.layers`.
    """

    def __init__(self, name: str, declaration: SpaceDeclaration) -> None:
        self.name = name
        self.declaration = declaration
        self.codes = LayerCodes(name, declaration)
        self.units = declared_units(name, declaration, self.codes)
        self.ranking_units = ranking_units(declaration, self.units)
        self.slots = self.units[-1].columns.stop
        self._reader = ArchitectureReader(name, declaration, self.codes)

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
        return sum(self.assignments.sizes)

    @property
    def size_with_graph_features(self) -> int:
        """Number of architectures counting every graph-level choice."""
        return self.size * math.prod(len(f.choices) for f in self.declaration.graph_features.values())

    @property
    def module_count(self) -> int:
        """Number of modules over all ranking units, exactly."""
        return sum(unit.count() for unit in self.ranking_units)

    # -- parts ---------------------------------------------------------------------------------------------------

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the searched layer features, in declaration order."""
        return self.codes.features

    @property
    def vocabulary(self) -> Codes:
        """[layers, features] for every layer code the index of each feature's choice."""
        return self.codes.vocabulary

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layer of every code."""
        return self.codes.layers

    @property
    def code_of_layer(self) -> dict[Layer, int]:
        """The code of every layer."""
        return self.codes.of_layer

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The printed name of every layer code, by `layer_name` of the declaration (or `feature=value` pairs)."""
        return self.codes.names

    @cached_property
    def assignments(self) -> Assignments:
        """How shared variables tie units together; a single assignment where nothing does."""
        return Assignments(self.name, self.declaration, self.units, self.ranking_units)

    @property
    def free(self) -> bool:
        """Whether any module of a unit goes with any modules of the others, and every unit is searched."""
        return all(unit.searched and not unit.parts for unit in self.units)

    @cached_property
    def enumeration(self) -> Enumeration:
        """All architectures by number; raises `SpaceError` where a 64-bit integer cannot number them."""
        return Enumeration(self)

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

    @cached_property
    def unit_values(self) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
        """Per unit feature [units] the index of every declared unit's value among its choices."""
        return [
            np.asarray([feature.choices.index(unit.features[name]) for unit in self.declaration.units], dtype=np.int64)
            for name, feature in self.declaration.unit_features.items()
        ]

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
                graph-level features (then all must agree), unit features and constant features.
            graph: Graph-level features. A feature given nowhere takes the declared default.

        Raises:
            ArchitectureError: Names the unit and the layer, what is wrong and what would be right.
        """
        parsed, values = self._reader.architecture(self.units, self.assignments, units, graph or {})
        return Architecture(self.name, values, parsed)

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
                raise self._reader.error(f"architecture {item.id} belongs to space {item.space!r}")
            for unit, module in zip(self.units, item.units, strict=True):
                codes = [self.codes.of_layer[layer] for layer in module]
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
            raise self._reader.error(
                f"unit {unit.number} ({unit.name}) has {len(layers)} layers, expected {span(unit.depths)}"
            )
        spare = len(layers) - sum(part.depths[0] for part in unit.units)
        out = np.full(unit.slots, ABSENT, dtype=np.int16)
        position, start = 0, 0
        for part in unit.units:
            depth = part.depths[0] + (spare if len(part.depths) > 1 else 0)
            parsed = self._reader.unit(part, layers[position : position + depth], {})
            out[start : start + depth] = [self.codes.of_layer[layer] for layer in parsed]
            position, start = position + depth, start + part.slots
        return out

    def ids(self, array: ArchitectureArray) -> list[str]:
        """`Architecture.id` of every architecture."""
        return [hash_json(text) for text in self.canonical_json(array)]

    def graph_code(self, values: Mapping[str, Any] | None = None) -> Codes:
        """[graph features] codes of graph-level values (declared defaults where left out)."""
        chosen = dict(self._reader.graph(dict(values or {})))
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
                uniformly, then its layers (as the published caches were drawn). Where units share variables, both
                first draw an assignment by its number of architectures.
            graph: Fixed graph-level values; those left out are drawn uniformly.
        """
        if law not in ("modules", "depths"):
            raise ValueError(f"law must be 'modules' or 'depths', got {law!r}")
        layers = np.full((count, self.slots), ABSENT, dtype=np.int16)
        assignment = self.assignments.draw(count, rng)
        for unit, parts in zip(self.units, self.assignments.parts.T, strict=True):
            part = parts[assignment]
            for index in np.unique(parts).tolist():
                rows = np.flatnonzero(part == index)
                layers[rows, unit.columns] = unit.part(index).draw(len(rows), rng, law)
        codes = np.empty((count, len(self.graph_features)), dtype=np.int16)
        for column, name in enumerate(self.graph_features):
            choices = self.declaration.graph_features[name].choices
            if graph and name in graph:
                codes[:, column] = self._reader.graph_index(name, graph[name])
            else:
                codes[:, column] = rng.integers(0, len(choices), size=count)
        return ArchitectureArray(layers, codes)

    def contains(self, array: ArchitectureArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """[n] whether each encoded architecture of the unrestricted space lies in this (restricted) one."""
        inside = np.ones(len(array), dtype=bool)
        for unit in self.units:
            inside &= unit.contains(array.layers[:, unit.columns])
        if not self.free:
            inside &= self.assignments.agree(array.layers)
        return inside

    def blocks(self, size: int = 65_536, graph: Mapping[str, Any] | None = None) -> Iterator[ArchitectureArray]:
        """All architectures in blocks of at most `size`, made when asked for; see `Enumeration`."""
        return self.enumeration.blocks(size, graph)

    def assemble(self, modules: Sequence[Codes]) -> Codes:
        """Whole architectures from the modules of ranking units.

        Args:
            modules: Per ranking unit one module an architecture [n, slots of the unit].

        Returns:
            [n, slots] layer codes; units that are not searched have the module that follows from the others.

        Raises:
            ArchitectureError: Modules do not go with one another; names the first such row and what does not fit.
        """
        layers = np.full((len(modules[0]), self.slots), ABSENT, dtype=np.int16)
        for unit, block in zip(self.ranking_units, modules, strict=True):
            layers[:, unit.columns] = block
        if not self.free:
            self.assignments.complete(layers)
        return layers

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
        restricted.units = tuple(unit.without(removed, most) for unit, most in zip(self.units, limits, strict=True))
        for unit in restricted.units:
            if not unit.depths:
                raise SpaceError(f"space {self.name!r}: restrictions.{name}: leaves unit {unit.number} without modules")
        restricted.ranking_units = ranking_units(self.declaration, restricted.units)
        return restricted

    def mutation_probabilities(self, restriction: str | None, default: float) -> tuple[float, ...]:
        """Per declared unit the probability that a layer-wise mutation hits it (§7.5, `layer_insight.yml`)."""
        if restriction is not None:
            odds = self.declaration.restrictions[restriction].mutation_probability
            if odds is not None:
                return odds
        return (default,) * len(self.units)

    # -- private -------------------------------------------------------------------------------------------------

    def _graph_values(self, row: Sequence[int]) -> tuple[tuple[str, Value], ...]:
        features = self.declaration.graph_features
        return tuple(sorted((n, features[n].choices[i]) for n, i in zip(self.graph_features, row, strict=True)))

    @cached_property
    def _layer_json(self) -> tuple[str, ...]:
        return tuple(to_json(dict(layer)) for layer in self.layers)

    def _module_json(self, codes: Sequence[int]) -> str:
        return "[" + ",".join(self._layer_json[c] for c in codes if c != ABSENT) + "]"
