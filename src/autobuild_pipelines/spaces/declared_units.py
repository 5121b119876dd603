"""Units as a declaration names them, and the constraints within and between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated

from pydantic import Field, model_validator

from autobuild_pipelines.spaces.declared_features import (
    Choices,
    LayerFeature,
    Names,
    UnitFeature,
    Value,
    distinct,
    match,
)
from autobuild_pipelines.spaces.settings import FROM_LIST, StrictSettings

MAX_ASSIGNMENTS = 100_000

Pattern = Annotated[tuple[Value, ...], FROM_LIST, Field(min_length=1)]


class UnitDeclaration(StrictSettings):
    """One unit (stage).

    Attributes:
        name: Its name.
        layers: The numbers of layers that it may have, each layer any of its choices. Or else:
        patterns: One feature, and the sequences of its values that a module may have, first layer first.
        choices: Narrower choices of a layer feature.
        features: The value of every unit feature.
        products: Layer features whose value, the same in all layers of the unit, is the product of shared variables.
        searched: False for a part of the network that nothing is ranked or chosen for: its one module follows from the
            shared variables.
    """

    name: str
    layers: Annotated[tuple[int, ...], FROM_LIST] = ()
    patterns: dict[str, Annotated[tuple[Pattern, ...], FROM_LIST, Field(min_length=1)]] = Field(default_factory=dict)
    choices: dict[str, Choices] = Field(default_factory=dict)
    features: dict[str, Value] = Field(default_factory=dict)
    products: dict[str, Annotated[Names, Field(min_length=1)]] = Field(default_factory=dict)
    searched: bool = True

    @property
    def depths(self) -> tuple[int, ...]:
        """The numbers of layers that it may have, increasing."""
        return self.layers or tuple(sorted({len(p) for patterns in self.patterns.values() for p in patterns}))

    @model_validator(mode="after")
    def _check(self) -> UnitDeclaration:
        if bool(self.layers) == bool(self.patterns):
            raise ValueError("give either layers (how many there may be) or patterns (what they may be)")
        if len(self.patterns) > 1:
            raise ValueError(f"patterns must be of one feature, got {list(self.patterns)}")
        for feature, patterns in self.patterns.items():
            if len({tuple((type(v), v) for v in pattern) for pattern in patterns}) != len(patterns):
                raise ValueError(f"patterns.{feature}: has repeated entries: {[list(p) for p in patterns]}")
        if any(n < 1 for n in self.layers):
            raise ValueError(f"layers must be 1 or more, got {list(self.layers)}")
        if list(self.layers) != sorted(set(self.layers)):
            raise ValueError(f"layers must be increasing without repeats, got {list(self.layers)}")
        settings = ("patterns", "choices", "products")
        given = [(feature, key) for key in settings for feature in getattr(self, key)]
        for feature, key in given:
            if earlier := next((k for f, k in given if f == feature and k != key), None):
                raise ValueError(f"{key}.{feature}: {earlier} already say what {feature} may be")
        return self

    def check_layer_features(self, known: Mapping[str, LayerFeature]) -> None:
        """Refuse choices, patterns and products of what is no searched layer feature or not among its choices."""
        values: dict[str, list[tuple[str, Value]]] = {}
        for name, choices in self.choices.items():
            values.setdefault(name, []).extend(("choices", choice) for choice in choices)
        for name, patterns in self.patterns.items():
            values.setdefault(name, []).extend(("patterns", value) for pattern in patterns for value in pattern)
        for key, names in (("choices", self.choices), ("patterns", self.patterns), ("products", self.products)):
            for name in names:
                if name not in known or known[name].value is not None:
                    raise ValueError(f"{key}.{name}: is not a searched layer feature")
        for name, entries in values.items():
            allowed = known[name].choices
            if unknown := [value for _, value in entries if match(value, allowed) is None]:
                raise ValueError(f"{entries[0][0]}.{name}: {unknown} not in {list(allowed)}")

    def check_unit_features(self, known: Mapping[str, UnitFeature]) -> None:
        """Refuse unit features that are unknown, left out, or not among their choices."""
        if unknown := [name for name in self.features if name not in known]:
            raise ValueError(f"features.{unknown[0]}: is not a unit feature, those are {list(known) or 'none'}")
        if missing := [name for name in known if name not in self.features]:
            raise ValueError(f"features: lacks {missing[0]}, one of {list(known[missing[0]].choices)}")
        for name, value in self.features.items():
            if match(value, known[name].choices) is None:
                raise ValueError(f"features.{name}: {value!r} is not one of {list(known[name].choices)}")


class EqualWithinUnit(StrictSettings):
    """All layers of a unit share the values of `features` (all if empty), in `units` (1-based; all if empty)."""

    features: Names = ()
    units: Annotated[tuple[int, ...], FROM_LIST] = ()


class Constraints(StrictSettings):
    """Conditions that not every combination of choices meets.

    Attributes:
        equal_within_unit: Within every unit.
        shared_variables: Between units: each variable has one value in the whole network. Units say with `products`
            which of their features follow from it.
    """

    equal_within_unit: EqualWithinUnit | None = None
    shared_variables: dict[str, Choices] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Constraints:
        for name, choices in self.shared_variables.items():
            try:
                distinct(choices)
            except ValueError as error:
                raise ValueError(f"shared_variables.{name}: {error}") from None
        if (count := math.prod(map(len, self.shared_variables.values()))) > MAX_ASSIGNMENTS:
            raise ValueError(f"shared_variables: have {count} combinations, more than {MAX_ASSIGNMENTS}")
        return self

    def assignments(self) -> Iterator[dict[str, Value]]:
        """Every combination of values of the shared variables; one empty combination without variables."""
        for values in product(*self.shared_variables.values()):
            yield dict(zip(self.shared_variables, values, strict=True))

    def check_products(self, unit: UnitDeclaration, layer_features: Mapping[str, LayerFeature]) -> None:
        """Refuse products of unknown or unsuitable variables, and those that are no choice of their feature."""
        for feature, names in unit.products.items():
            if unknown := [name for name in names if name not in self.shared_variables]:
                known = list(self.shared_variables) or "none"
                raise ValueError(f"products.{feature}: {unknown[0]!r} is not a shared variable, those are {known}")
            options = [self.shared_variables[name] for name in names]
            if len(names) > 1 and any(isinstance(value, str | bool) for values in options for value in values):
                raise ValueError(f"products.{feature}: {' × '.join(names)} needs variables that are numbers")
            choices = layer_features[feature].choices
            for values in product(*options):
                if match(product_value(values), choices) is None:
                    terms = ", ".join(f"{name}={value!r}" for name, value in zip(names, values, strict=True))
                    raise ValueError(
                        f"products.{feature}: {terms} gives {product_value(values)!r}, which is not one of the choices "
                        f"{list(choices)}"
                    )


def product_value(values: tuple[Value, ...]) -> Value:
    """The product of numbers; a single value of any kind is itself."""
    if len(values) == 1:
        return values[0]
    return math.prod(value for value in values if not isinstance(value, str))
