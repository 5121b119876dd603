"""A metric as a straight line over exact costs and numbers of layers: a latency that is modelled, not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.networks import Costs
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, Value
from autobuild_pipelines.spaces.settings import FROM_LIST, FrozenSettings, reasons

DECIMALS = 4


class LayerTerm(FrozenSettings):
    """What every layer with all these feature values adds."""

    layer: dict[str, Value]
    value: float


class CostModelSettings(FrozenSettings):
    """`fixed + macs · MACs + params · parameters + Σ layers`, in the metric's unit.

    Attributes:
        fixed: What every network has.
        macs: Per multiply-accumulate.
        params: Per parameter.
        layers: What kinds of layers add.
    """

    fixed: float = 0.0
    macs: float = 0.0
    params: float = 0.0
    layers: Annotated[tuple[LayerTerm, ...], FROM_LIST] = Field(default=())

    @classmethod
    def from_mapping(cls, content: Mapping[str, Any]) -> CostModelSettings:
        """Read an entry of `evaluators`, its key `type` left aside.

        Raises:
            EvaluationError: Names the key that is wrong and the reason.
        """
        try:
            return cls.model_validate({key: value for key, value in content.items() if key != "type"})
        except ValidationError as error:
            raise EvaluationError(reasons(error)) from None


@dataclass(frozen=True, eq=False)
class CostModel:
    """The line's value for any architecture of a space.

    Args:
        metric: Its name.
        space: The search space.
        settings: The coefficients.
        macs: Exact multiply-accumulates.
        params: Exact parameters.

    Raises:
        EvaluationError: A term names a layer feature or value that the space has not.
    """

    metric: str
    space: SearchSpace
    settings: CostModelSettings
    macs: Costs
    params: Costs
    support: ArchitectureArray | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        for place, term in enumerate(self.settings.layers):
            for feature, value in term.layer.items():
                known = self.space.declaration.layer_features
                if feature not in known or value not in known[feature].choices:
                    raise EvaluationError(f"layers.{place}.layer: the space has no {feature}={value!r}")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The one metric."""
        return (self.metric,)

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """The metric's column [n], with four decimals."""
        settings = self.settings
        values = settings.fixed + self._of_layers()[array.layers].sum(axis=1)
        if settings.macs:
            values = values + settings.macs * self.macs.total(array)
        if settings.params:
            values = values + settings.params * self.params.total(array)
        return pd.DataFrame({self.metric: np.round(values, DECIMALS)})

    def _of_layers(self) -> NDArray[np.float64]:
        """[layer codes + 1] what a layer adds; 0 for an absent one, whose code is -1."""
        return np.asarray([*(self._of_layer(dict(layer)) for layer in self.space.layers), 0.0])

    def _of_layer(self, layer: Mapping[str, Value]) -> float:
        terms: Sequence[LayerTerm] = self.settings.layers
        return sum(term.value for term in terms if all(layer[f] == v for f, v in term.layer.items()))
