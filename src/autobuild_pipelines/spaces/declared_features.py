"""Features as a declaration names them: of every layer, of a unit, of the whole network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from autobuild_pipelines.spaces.settings import FROM_LIST, StrictSettings

Value = bool | int | float | str
"""A value that a feature may take."""


def distinct(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """The values; a `ValueError` where one is listed twice."""
    if len({(type(v).__name__, v) for v in values}) != len(values):
        raise ValueError(f"has repeated entries: {list(values)}")
    return values


def match(value: Any, choices: Sequence[Value]) -> Value | None:
    """The choice equal to `value`; 3.0 matches 3, but True does not match 1."""
    if isinstance(value, np.generic):
        value = value.item()
    for choice in choices:
        same_kind = all(isinstance(value, kind) == isinstance(choice, kind) for kind in (bool, str))
        if same_kind and value == choice:
            return choice
    return None


Choices = Annotated[tuple[Value, ...], FROM_LIST, Field(min_length=1)]
Names = Annotated[tuple[str, ...], FROM_LIST]


class Scale(StrictSettings):
    """How a numeric feature enters a predictor: ``(value - offset) / divisor``."""

    offset: float
    divisor: float

    @model_validator(mode="after")
    def _check(self) -> Scale:
        if self.divisor == 0:
            raise ValueError("divisor must not be 0")
        return self


class LayerFeature(StrictSettings):
    """A feature of every layer. With `value` it is a constant: fed to predictors, never searched."""

    choices: Choices
    value: Value | None = None
    aliases: Names = ()

    @model_validator(mode="after")
    def _check(self) -> LayerFeature:
        distinct(self.choices)
        if self.value is not None and self.value not in self.choices:
            raise ValueError(f"value {self.value!r} is not one of its choices {list(self.choices)}")
        return self


class UnitFeature(StrictSettings):
    """A feature that each unit fixes for all its layers: fed to predictors, never searched."""

    choices: Choices
    aliases: Names = ()

    @model_validator(mode="after")
    def _check(self) -> UnitFeature:
        distinct(self.choices)
        return self


class GraphFeature(StrictSettings):
    """A feature of the whole network, repeated on each node. `default` fills rows of a file that lack it."""

    choices: Choices
    default: Value | None = None
    scale: Scale | None = None
    aliases: Names = ()

    @model_validator(mode="after")
    def _check(self) -> GraphFeature:
        distinct(self.choices)
        if self.default is not None and self.default not in self.choices:
            raise ValueError(f"default {self.default!r} is not one of its choices {list(self.choices)}")
        if self.scale is not None and any(isinstance(c, str | bool) for c in self.choices):
            raise ValueError("scale needs numeric choices")
        return self
