"""Reading an architecture that a user wrote: checks, spellings, and errors that name the unit and the layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from autobuild_pipelines.spaces.architecture import Layer
from autobuild_pipelines.spaces.assignments import Assignments
from autobuild_pipelines.spaces.declaration import SpaceDeclaration
from autobuild_pipelines.spaces.declared_features import Value, match
from autobuild_pipelines.spaces.errors import ArchitectureError
from autobuild_pipelines.spaces.layer_codes import LayerCodes
from autobuild_pipelines.spaces.unit import Unit

GraphValues = tuple[tuple[str, Value], ...]


class ArchitectureReader:
    """Takes layer names or objects, and gives checked layers.

    Args:
        name: The space's name, used in messages.
        declaration: Its declaration.
        codes: Its layer codes.
    """

    def __init__(self, name: str, declaration: SpaceDeclaration, codes: LayerCodes) -> None:
        self._name, self._declaration, self._codes = name, declaration, codes

    def architecture(
        self, units: Sequence[Unit], assignments: Assignments, given: Any, graph: Mapping[str, Any]
    ) -> tuple[tuple[tuple[Layer, ...], ...], GraphValues]:
        """The layers of every unit, and the graph-level values; see `SearchSpace.architecture`."""
        if isinstance(given, str | bytes | Mapping) or not isinstance(given, Sequence):
            raise self.error(f"units: expected a list of lists of layers, got {_short(given)}")
        if len(given) != len(units):
            raise self.error(f"has {len(given)} units, expected {len(units)}")
        found: dict[str, Any] = {}
        for key, value in graph.items():
            name = self._graph_spellings.get(key)
            if name is None:
                raise self.error(
                    f"unknown graph feature {_short(key)}, expected {list(self._declaration.graph_features)}"
                )
            found[name] = value
        parsed = tuple(self.unit(unit, layers, found) for unit, layers in zip(units, given, strict=True))
        if any(unit.parts for unit in units):
            self._check_shared(units, assignments, parsed)
        return parsed, self.graph(found)

    def unit(self, unit: Unit, layers: Any, graph: dict[str, Any]) -> tuple[Layer, ...]:
        """The layers of one unit; graph-level features that they repeat go to `graph`."""
        where = f"unit {unit.number} ({unit.name})"
        if isinstance(layers, str | bytes | Mapping) or not isinstance(layers, Sequence):
            raise self.error(f"{where}: expected a list of layers, got {_short(layers)}")
        if len(layers) not in unit.depths:
            raise self.error(f"{where} has {len(layers)} layers, expected {span(unit.depths)}")
        parsed = tuple(self._layer(unit, i, layer, graph) for i, layer in enumerate(layers, start=1))
        codes = [self._codes.of_layer[layer] for layer in parsed]
        if len({unit.group_of[code] for code in codes}) > 1:
            raise self.error(f"{where}: its layers must agree in {self._agreeing(unit)}")
        if unit.patterns and not any(
            len(pattern) == len(codes) and all(c in allowed for c, allowed in zip(codes, pattern, strict=True))
            for pattern in unit.patterns
        ):
            raise self._pattern_error(unit, parsed)
        return parsed

    def graph(self, found: Mapping[str, Any]) -> GraphValues:
        """Graph-level values, with declared defaults where none is found."""
        values: dict[str, Value] = {}
        for name, feature in self._declaration.graph_features.items():
            if name in found:
                values[name] = feature.choices[self.graph_index(name, found[name])]
            elif feature.default is not None:
                values[name] = feature.default
            else:
                raise self.error(f"lacks {name}, one of {_listed(feature.choices)}, and the space declares no default")
        return tuple(sorted(values.items()))

    def graph_index(self, name: str, value: Any) -> int:
        """The code of a graph-level value."""
        choices = self._declaration.graph_features[name].choices
        choice = match(value, choices)
        if choice is None:
            raise self.error(f"{name}={_short(value)} is not one of {_listed(choices)}")
        return choices.index(choice)

    def error(self, message: str) -> ArchitectureError:
        """An error that starts with the space's name."""
        return ArchitectureError(f"{self._name}: {message}")

    # -- private -------------------------------------------------------------------------------------------------

    def _layer(self, unit: Unit, position: int, layer: Any, graph: dict[str, Any]) -> Layer:
        where = f"unit {unit.number} ({unit.name}) layer {position}"
        if isinstance(layer, str):
            code = self._codes.of_name.get(layer)
            if code is None:
                raise self.error(f"{where}: unknown layer {_short(layer)}, expected one like {self._codes.names[0]!r}")
            parsed = self._codes.layers[code]
        elif isinstance(layer, Mapping):
            parsed = self._layer_object(unit, where, layer, graph)
            code = self._codes.of_layer[parsed]
        else:
            raise self.error(f"{where}: expected a layer name or an object, got {_short(layer)}")
        if code not in unit.group_of:
            raise self.error(f"{where}: {self._codes.names[code]} is not allowed in this unit")
        return parsed

    def _layer_object(self, unit: Unit, where: str, layer: Mapping[str, Any], graph: dict[str, Any]) -> Layer:
        values: dict[str, Value] = {}
        for key, value in layer.items():
            if key in self._graph_spellings:
                name = self._graph_spellings[key]
                if name in graph and graph[name] != value:
                    raise self.error(f"{where}: {name}={_short(value)} differs from {_short(graph[name])} before it")
                graph[name] = value
                continue
            feature = self._layer_spellings.get(key)
            if feature is None:
                raise self.error(f"{where}: unknown feature {_short(key)}, expected {list(self._codes.features)}")
            choices, searched = self._choices(unit, feature)
            choice = match(value, choices)
            if choice is None:
                raise self.error(f"{where}: {feature}={_short(value)} is not one of {_listed(choices)}")
            if searched:
                values[feature] = choice
        if missing := [f for f in self._codes.features if f not in values]:
            raise self.error(f"{where}: lacks {missing}")
        return tuple(sorted(values.items()))

    def _choices(self, unit: Unit, feature: str) -> tuple[tuple[Value, ...], bool]:
        """What a feature may be in a layer of the unit, and whether it is searched."""
        if feature in self._declaration.unit_features:
            return (self._declaration.units[unit.number - 1].features[feature],), False
        declared = self._declaration.layer_features[feature]
        return (declared.choices, True) if declared.value is None else ((declared.value,), False)

    def _check_shared(
        self, units: Sequence[Unit], assignments: Assignments, parsed: Sequence[tuple[Layer, ...]]
    ) -> None:
        chosen: list[int] = []
        for unit, layers in zip(units, parsed, strict=True):
            products = self._declaration.units[unit.number - 1].products
            values = dict(layers[0])
            part = unit.part_keys.index(tuple((feature, values[feature]) for feature in products))
            left = assignments.left(chosen)
            if part not in left:
                product = ", ".join(f"{feature} is {' × '.join(names)}" for feature, names in products.items())
                fitting = " or ".join(_pairs(unit.part_keys[index]) for index in left)
                raise self.error(
                    f"unit {unit.number} ({unit.name}): {_pairs(unit.part_keys[part])} does not go with the units "
                    f"before it, which leave {fitting} ({product})"
                )
            chosen.append(part)

    def _agreeing(self, unit: Unit) -> list[str]:
        equal = self._declaration.constraints.equal_within_unit
        features: list[str] = []
        if equal is not None and (not equal.units or unit.number in equal.units):
            features = list(equal.features) or list(self._codes.features)
        return list(dict.fromkeys([*features, *self._declaration.units[unit.number - 1].products]))

    def _pattern_error(self, unit: Unit, layers: Sequence[Layer]) -> ArchitectureError:
        (feature, patterns), *_ = self._declaration.units[unit.number - 1].patterns.items()
        found = [dict(layer)[feature] for layer in layers]
        known = " or ".join(str(list(pattern)) for pattern in patterns if len(pattern) <= unit.depths[-1])
        return self.error(f"unit {unit.number} ({unit.name}): {feature} is {found}, expected {known}")

    @cached_property
    def _graph_spellings(self) -> dict[str, str]:
        return {s: n for n, f in self._declaration.graph_features.items() for s in (n, *f.aliases)}

    @cached_property
    def _layer_spellings(self) -> dict[str, str]:
        of_layers = {s: n for n, f in self._declaration.layer_features.items() for s in (n, *f.aliases)}
        return of_layers | {s: n for n, f in self._declaration.unit_features.items() for s in (n, *f.aliases)}


def span(depths: Sequence[int]) -> str:
    """Numbers of layers in words: 2-4 or 2, 3, 5."""
    if len(depths) == 1:
        return str(depths[0])
    consecutive = list(depths) == list(range(depths[0], depths[-1] + 1))
    return f"{depths[0]}-{depths[-1]}" if consecutive else _listed(depths)


def _pairs(key: Sequence[tuple[str, Value]]) -> str:
    return ", ".join(f"{feature}={value}" for feature, value in key)


def _listed(values: Sequence[Value]) -> str:
    return ", ".join(str(value) for value in values)


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer too long to print
        text = f"a very long {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."
