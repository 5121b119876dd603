"""The coefficients of the surrogate (`surrogate.py` has the formula), as they stand in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from autobuild_pipelines.spaces import SearchSpace, Value
from autobuild_pipelines.spaces.settings import FROM_LIST, FrozenSettings, reasons


class SurrogateError(ValueError):
    """The surrogate's settings are wrong or do not fit the space; the message names the key."""


Points = Annotated[tuple[float, ...], FROM_LIST]


class UnitEffects(FrozenSettings):
    """Effects of one unit's layers: per position a weight, per feature the points of each choice, in choice order."""

    positions: Points
    effects: dict[str, Points]


class Joint(FrozenSettings):
    """Points of a layer that has all these feature values."""

    layer: dict[str, Value]
    points: float


class Adjacent(FrozenSettings):
    """Points of two adjacent layers of a unit of which the first has the one values, the second the other."""

    first: dict[str, Value]
    second: dict[str, Value]
    points: float


class ReceptiveField(FrozenSettings):
    """The penalty for a receptive field below the need of the resolution."""

    feature: str
    graph_feature: str
    weights: Points
    need: Points
    softness: Annotated[float, Field(gt=0)]
    points: float


class Balance(FrozenSettings):
    """The penalty for adjacent units of unequal width."""

    feature: str
    points: float


class Calibrated(FrozenSettings):
    """Depth effects and scales, per unit in the order of its depths; written by `sampling.calibrate`."""

    depth_effects: tuple[Points, ...]
    scales: tuple[Points, ...]


class SurrogateSettings(FrozenSettings):
    """All coefficients of the formula, in points. See the module for what each is.

    Attributes:
        metric: The metric that it stands for.
        point: What a point is in the metric's unit: 0.01 for an accuracy that is a fraction.
        offset: Points that are added at the very end, beyond the ceiling too: labels of another, biased procedure.
    """

    metric: str = "acc"
    point: Annotated[float, Field(gt=0)] = 0.01
    offset: float = 0.0
    base: float
    ceiling: float
    noise: Annotated[float, Field(ge=0)]
    noise_seed: int = 0
    units: tuple[UnitEffects, ...]
    joint: tuple[Joint, ...] = ()
    adjacent: tuple[Adjacent, ...] = ()
    receptive_field: ReceptiveField
    balance: Balance
    graph: dict[str, Points]
    calibrated: Calibrated | None = None

    @classmethod
    def from_mapping(cls, name: str, content: Mapping[str, Any]) -> SurrogateSettings:
        """Read the mapping `surrogate` of a space's parameters; its keys `calibration` and `note` are left aside.

        Raises:
            SurrogateError: Names the key that is wrong and the reason.
        """
        try:
            return cls.model_validate({k: v for k, v in content.items() if k not in ("calibration", "note")})
        except ValidationError as error:
            raise SurrogateError(f"surrogate of space {name!r}: {reasons(error)}") from None


def check_surrogate(space: SearchSpace, settings: SurrogateSettings) -> None:
    """Check that the coefficients fit the space.

    Raises:
        SurrogateError: Names the key that does not fit.
    """
    where = f"surrogate of space {space.name!r}"

    def expect(key: str, found: int, wanted: int, what: str) -> None:
        if found != wanted:
            raise SurrogateError(f"{where}: {key}: expected {wanted} numbers, one per {what}, got {found}")

    expect("units", len(settings.units), len(space.units), "unit")
    for unit, effects in zip(space.units, settings.units, strict=True):
        expect(f"units.{unit.number}.positions", len(effects.positions), unit.slots, "layer position")
        for feature, points in effects.effects.items():
            _check_feature(space, f"{where}: units.{unit.number}.effects", feature)
            choices = space.declaration.layer_features[feature].choices
            expect(f"units.{unit.number}.effects.{feature}", len(points), len(choices), "choice")
    for key, values in [
        *((f"joint.{i}.layer", j.layer) for i, j in enumerate(settings.joint)),
        *((f"adjacent.{i}.first", a.first) for i, a in enumerate(settings.adjacent)),
        *((f"adjacent.{i}.second", a.second) for i, a in enumerate(settings.adjacent)),
    ]:
        for feature, value in values.items():
            _check_feature(space, f"{where}: {key}", feature)
            if value not in space.declaration.layer_features[feature].choices:
                raise SurrogateError(f"{where}: {key}.{feature}: {value!r} is not a choice")
    field = settings.receptive_field
    _check_feature(space, f"{where}: receptive_field.feature", field.feature)
    _check_feature(space, f"{where}: balance.feature", settings.balance.feature)
    expect("receptive_field.weights", len(field.weights), len(space.units), "unit")
    for name, points in settings.graph.items():
        if name not in space.graph_features:
            raise SurrogateError(f"{where}: graph.{name}: is not a graph feature of the space")
        expect(f"graph.{name}", len(points), len(space.declaration.graph_features[name].choices), "choice")
    if field.graph_feature not in space.graph_features:
        raise SurrogateError(f"{where}: receptive_field.graph_feature: {field.graph_feature!r} is no graph feature")
    choices = space.declaration.graph_features[field.graph_feature].choices
    expect("receptive_field.need", len(field.need), len(choices), "choice")


def _check_feature(space: SearchSpace, key: str, feature: str) -> None:
    if feature not in space.features:
        raise SurrogateError(f"{key}: {feature!r} is not a searched layer feature, expected {list(space.features)}")
