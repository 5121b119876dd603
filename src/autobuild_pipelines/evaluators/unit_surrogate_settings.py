"""The coefficients of the surrogate for spaces of patterns (`unit_surrogate.py` has the formula), as in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from autobuild_pipelines.evaluators.surrogate_settings import Points, SurrogateError
from autobuild_pipelines.spaces import SearchSpace, Value
from autobuild_pipelines.spaces.settings import FROM_LIST, FrozenSettings, reasons

Place = Annotated[tuple[str, str], FROM_LIST]
"""Name of a unit and of one of its quantities."""


class Width(FrozenSettings):
    """The mean over a unit's layers of log2(value of the feature / reference)."""

    log2: str
    reference: Annotated[float, Field(gt=0)]


class Number(FrozenSettings):
    """What a unit's layers with all these feature values are worth: `worth[i]` where there are i, its last beyond."""

    count: dict[str, Value]
    worth: Annotated[Points, Field(min_length=1)]


class Together(FrozenSettings):
    """Points of the product of two quantities, of one unit or of two."""

    first: Place
    second: Place
    points: float


class Step(FrozenSettings):
    """Points that a squared difference of a quantity between units that follow each other takes away."""

    quantity: str
    points: float


class UnitSurrogateSettings(FrozenSettings):
    """All coefficients of the formula, in the metric's unit. See the module for what each is.

    Attributes:
        form: "units", which tells this formula from the one of `surrogate.py`.
        metric: The metric that it stands for.
        base: Its value where all quantities are 0.
        limit: The value that no architecture reaches; below `base` where less is better.
        offset: Added at the very end, beyond the limit too: labels of another procedure.
    """

    form: Literal["units"]
    metric: str
    base: float
    limit: float
    offset: float = 0.0
    noise: Annotated[float, Field(ge=0)]
    noise_seed: int = 0
    quantities: dict[str, Width | Number]
    units: dict[str, dict[str, float]]
    together: tuple[Together, ...] = ()
    steps: tuple[Step, ...] = ()

    @classmethod
    def from_mapping(cls, name: str, content: Mapping[str, Any]) -> UnitSurrogateSettings:
        """Read the mapping `surrogate` of a space's parameters.

        Raises:
            SurrogateError: Names the key that is wrong and the reason.
        """
        try:
            return cls.model_validate({key: value for key, value in content.items() if key != "note"})
        except ValidationError as error:
            raise SurrogateError(f"surrogate of space {name!r}: {reasons(error)}") from None


def check_unit_surrogate(space: SearchSpace, settings: UnitSurrogateSettings) -> None:
    """Check that the coefficients fit the space.

    Raises:
        SurrogateError: Names the key that does not fit.
    """
    where = f"surrogate of space {space.name!r}"
    units = [unit.name for unit in space.units]
    if settings.base == settings.limit:
        raise SurrogateError(f"{where}: limit: must differ from base, both are {settings.base}")
    for name, quantity in settings.quantities.items():
        key = f"{where}: quantities.{name}"
        features = [quantity.log2] if isinstance(quantity, Width) else list(quantity.count)
        if unknown := [feature for feature in features if feature not in space.features]:
            raise SurrogateError(f"{key}: {unknown[0]!r} is no layer feature, expected one of {list(space.features)}")
        if isinstance(quantity, Number):
            for feature, value in quantity.count.items():
                if value not in space.declaration.layer_features[feature].choices:
                    raise SurrogateError(f"{key}.count.{feature}: {value!r} is not a choice")
    places = [(f"units.{unit}", (unit, name)) for unit, effects in settings.units.items() for name in effects]
    places += [(f"together.{i}.first", rule.first) for i, rule in enumerate(settings.together)]
    places += [(f"together.{i}.second", rule.second) for i, rule in enumerate(settings.together)]
    places += [(f"steps.{i}", (units[0], step.quantity)) for i, step in enumerate(settings.steps)]
    for key, (unit, name) in places:
        if unit not in units:
            raise SurrogateError(f"{where}: {key}: {unit!r} is no unit, expected one of {units}")
        if name not in settings.quantities:
            raise SurrogateError(
                f"{where}: {key}: {name!r} is no quantity, expected one of {list(settings.quantities)}"
            )
