"""Evaluators from parameters: `{metric: {type: ..., ...}}` names one source for every metric."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from autobuild_pipelines.evaluators.combined import CombinedEvaluator, RenamedEvaluator
from autobuild_pipelines.evaluators.cost_model import CostModel, CostModelSettings
from autobuild_pipelines.evaluators.costs import CostEvaluator
from autobuild_pipelines.evaluators.fan_out import FannedOut
from autobuild_pipelines.evaluators.fan_out_settings import FanOutSettings
from autobuild_pipelines.evaluators.fid import FID, FidEvaluator
from autobuild_pipelines.evaluators.fid_settings import FidSettings
from autobuild_pipelines.evaluators.fitted_costs import FittedCostEvaluator
from autobuild_pipelines.evaluators.imagenet import ImageNetEvaluator
from autobuild_pipelines.evaluators.imagenet_settings import ImageNetSettings
from autobuild_pipelines.evaluators.latency import LATENCY_MS, OUTLIERS, SPREAD, LatencyEvaluator
from autobuild_pipelines.evaluators.layer_costs import LayerLatencyTable
from autobuild_pipelines.evaluators.ledger import EvaluationLedger
from autobuild_pipelines.evaluators.predicted import LabelPredictor, PredictedLabel, PredictedTargets, TargetPredictors
from autobuild_pipelines.evaluators.protocol import EvaluationError, Evaluator
from autobuild_pipelines.evaluators.single import ArchitectureEvaluator
from autobuild_pipelines.evaluators.surrogate import AccuracySurrogate
from autobuild_pipelines.evaluators.surrogate_settings import SurrogateSettings
from autobuild_pipelines.evaluators.table import TableEvaluator
from autobuild_pipelines.evaluators.unit_surrogate import UnitSurrogate
from autobuild_pipelines.evaluators.unit_surrogate_settings import UnitSurrogateSettings
from autobuild_pipelines.networks import (
    Costs,
    LayerCosts,
    NetworkDefinition,
    backbone_mac_costs,
    mac_costs,
    parameter_costs,
)
from autobuild_pipelines.networks.latency import LatencySettings
from autobuild_pipelines.networks.unet_costs import CostName, UNetCostTable
from autobuild_pipelines.networks.unet_definition import UNetDefinition, read_network
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, from_table
from autobuild_pipelines.spaces.settings import StrictSettings

Settings = Mapping[str, Any]

GIGA = 1e9

ONE_AT_A_TIME: Settings = MappingProxyType({"workers": 1})
"""Networks that run beside each other would be timed together, or share a GPU's memory."""


@dataclass(frozen=True)
class EvaluatorSources:
    """What evaluators are made from. Only what the settings ask for has to be there.

    Attributes:
        space: The search space.
        architectures: Evaluated architectures with labels (types `table`, `fitted_flops`).
        network: The network definition or its mapping (types `macs`, `params`, `cost_model` and those of FLOPs).
        predictors: Trained predictors of the space (type `predictor`).
        released: Released predictors by checkpoint name, each loaded when first asked for (type `released_predictor`).
        latency_predictors: Trained predictors of latencies (type `latency_predictor`).
        surrogate: Coefficients of the surrogate metric (type `surrogate`).
        layer_latencies: Measured layer latencies (type `layer_latency`).
        latency: How latency is measured, see `LatencySettings` (type `latency`).
        fan_out: How evaluations are spread, see `FanOutSettings` (types `imagenet`, `fid`, `latency`).
        ledger: Where these are recorded; None keeps them in memory.
    """

    space: SearchSpace
    architectures: pd.DataFrame | None = None
    network: NetworkDefinition | UNetDefinition | Mapping[str, Any] | None = None
    predictors: TargetPredictors | None = None
    latency_predictors: TargetPredictors | None = None
    released: Mapping[str, Callable[[], LabelPredictor]] | None = None
    surrogate: Mapping[str, Any] | None = None
    layer_latencies: pd.DataFrame | None = None
    latency: Mapping[str, Any] | None = None
    fan_out: Mapping[str, Any] | None = None
    ledger: EvaluationLedger | None = None

    @cached_property
    def encoded_architectures(self) -> ArchitectureArray:
        """The table's architectures, encoded once for all that look labels up in it."""
        return from_table(self.space, self.given("architectures", "table"))

    @cached_property
    def network_family(self) -> NetworkDefinition | UNetDefinition:
        """The network definition, checked."""
        return read_network(self.space.name, self.given("network", "macs, params, latency, imagenet or fid"))

    @property
    def network_definition(self) -> NetworkDefinition:
        """The definition of a family of MobileNets.

        Raises:
            EvaluationError: It is another family.
        """
        family = self.network_family
        if not isinstance(family, NetworkDefinition):
            raise EvaluationError(f"space {self.space.name!r} is of U-Nets, which are no classifiers or backbones")
        return family

    def given(self, what: str, kind: str) -> Any:
        """A source that must be there.

        Raises:
            EvaluationError: It is not.
        """
        value = getattr(self, what)
        if value is None:
            raise EvaluationError(
                f"type {kind!r} needs {what.replace('_', ' ')}, which space {self.space.name!r} has not"
            )
        return value


@dataclass(frozen=True)
class EvaluatorType:
    """One entry of the registry.

    Attributes:
        build: Makes the evaluators of all metrics of this type at once, so that they can share work.
        keys: Settings it takes besides `type`, and whether each must be there.
    """

    build: Callable[[Mapping[str, Settings], EvaluatorSources], list[Evaluator]]
    keys: Mapping[str, bool]


def make_evaluators(settings: Mapping[str, Any], sources: EvaluatorSources) -> CombinedEvaluator:
    """The evaluators that the parameter `evaluators` of a space describes.

    Args:
        settings: Metric to its source: `{acc: {type: released_predictor, checkpoint: acc}, macs: {type: macs}}`. Types:
            surrogate {offset, noise, noise_seed, in place of its own}; layer_latency; predictor {target, the metric's
            name by default; factor of the prediction, -1 where the target is the metric with a minus};
            released_predictor {checkpoint}; latency_predictor {target, the metric's name by default}; macs; params;
            cost_model {fixed, macs, params, layers, see `CostModelSettings`}; backbone_flops {resolution, the side of
            the other task's images}, in G of multiply-adds; fitted_flops {resolution; column, the metric's name by
            default}, on the line through what the architectures are labelled with; table {column, the metric's name by
            default}; imagenet {weights, train_images, val_images, output: top1 or top5, and see `ImageNetSettings`};
            fid {weights, encoder, features, train_images, val_images, and see `FidSettings`}; latency {output: median,
            spread or outliers, and see `LatencySettings`}. The last three take `fan_out`, which overrides the space's.
        sources: What they are made from.

    Returns:
        One evaluator of all metrics, in the settings' order.

    Raises:
        EvaluationError: Names the metric and what would be right: an unknown type or key, a missing source, a
            checkpoint, target or column that does not exist.
    """
    if not isinstance(settings, Mapping) or not settings:
        raise EvaluationError(f"evaluators of space {sources.space.name!r}: expected a mapping of metrics to sources")
    by_type: dict[str, dict[str, Settings]] = {}
    for metric, entry in settings.items():
        by_type.setdefault(_checked_type(metric, entry), {})[metric] = entry
    parts: list[Evaluator] = []
    for kind, metrics in by_type.items():
        try:
            parts += EVALUATOR_TYPES[kind].build(metrics, sources)
        except ValueError as error:
            message = str(error)
            where = "" if message.startswith("metric") else f"metric {', '.join(map(repr, metrics))}: "
            raise EvaluationError(where + message) from error
    return CombinedEvaluator(parts, list(settings))


def _checked_type(metric: str, entry: Any) -> str:
    known = sorted(EVALUATOR_TYPES)
    if not isinstance(entry, Mapping) or "type" not in entry:
        raise EvaluationError(f"metric {metric!r}: expected a mapping with a key 'type', one of {known}, got {entry!r}")
    kind = entry["type"]
    if kind not in known:
        raise EvaluationError(f"metric {metric!r}: unknown type {kind!r}, expected one of {known}")
    keys = EVALUATOR_TYPES[kind].keys
    if unknown := sorted(set(entry) - set(keys) - {"type"}):
        raise EvaluationError(
            f"metric {metric!r}: type {kind!r} has no key {unknown[0]!r}; it takes {list(keys) or 'none'}"
        )
    if missing := [key for key, needed in keys.items() if needed and key not in entry]:
        raise EvaluationError(f"metric {metric!r}: type {kind!r} needs the key {missing[0]!r}")
    return str(kind)


def _surrogate(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    content = sources.given("surrogate", "surrogate")
    parts: list[Evaluator] = []
    for metric, entry in metrics.items():
        changed = {**content, **{key: value for key, value in entry.items() if key != "type"}}
        parts += _renamed(_surrogate_of(sources.space, changed), {metric: entry})
    return parts


def _surrogate_of(space: SearchSpace, content: Settings) -> AccuracySurrogate | UnitSurrogate:
    if content.get("form") == "units":
        return UnitSurrogate(space, UnitSurrogateSettings.from_mapping(space.name, content))
    return AccuracySurrogate(space, SurrogateSettings.from_mapping(space.name, content))


def _layer_latency(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    return _renamed(LayerLatencyTable(sources.space, sources.given("layer_latencies", "layer_latency")), metrics)


def _renamed(part: Evaluator, metrics: Mapping[str, Settings]) -> list[Evaluator]:
    (own,) = part.metrics
    return [part if metric == own else RenamedEvaluator(part, {own: metric}) for metric in metrics]


def _predictor(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    targets = {metric: str(entry.get("target", metric)) for metric, entry in metrics.items()}
    factors = {metric: _factor(metric, entry.get("factor", 1)) for metric, entry in metrics.items()}
    return [PredictedTargets(sources.given("predictors", "predictor"), targets, factors)]


def _factor(metric: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value) or not value:
        raise EvaluationError(f"metric {metric!r}: factor: expected a number other than 0, got {value!r}")
    return float(value)


def _latency_predictor(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    targets = {metric: str(entry.get("target", metric)) for metric, entry in metrics.items()}
    return [PredictedTargets(sources.given("latency_predictors", "latency_predictor"), targets)]


def _released_predictor(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    released = sources.given("released", "released_predictor")
    parts: list[Evaluator] = []
    for metric, entry in metrics.items():
        name = entry["checkpoint"]
        if name not in released:
            raise EvaluationError(
                f"metric {metric!r}: there is no checkpoint {name!r}, only {sorted(released) or 'none'}"
            )
        try:
            parts.append(PredictedLabel(metric, released[name]()))
        except (ValueError, OSError) as error:
            raise EvaluationError(f"metric {metric!r}: checkpoint {name!r} does not load: {error}") from error
    return parts


def _macs(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    costs = _network_costs(sources, "macs")
    return [CostEvaluator(metric, costs) for metric in metrics]


def _params(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    costs = _network_costs(sources, "parameters")
    return [CostEvaluator(metric, costs) for metric in metrics]


def _cost_model(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    costs = (_network_costs(sources, "macs"), _network_costs(sources, "parameters"))
    return [
        CostModel(metric, sources.space, CostModelSettings.from_mapping(entry), *costs)
        for metric, entry in metrics.items()
    ]


def _network_costs(sources: EvaluatorSources, cost: CostName) -> Costs:
    family = sources.network_family
    if isinstance(family, UNetDefinition):
        family.check_fits(sources.space)
        return UNetCostTable(sources.space, family, cost)
    return (mac_costs if cost == "macs" else parameter_costs)(sources.space, family)


def _backbone_flops(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    return [
        CostEvaluator(metric, _backbone_costs(metric, entry, sources), unit=GIGA) for metric, entry in metrics.items()
    ]


def _fitted_flops(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    table = sources.given("architectures", "fitted_flops")
    parts: list[Evaluator] = []
    for metric, entry in metrics.items():
        column = entry.get("column", metric)
        if column not in table.columns:
            raise EvaluationError(f"metric {metric!r}: the architectures have no column {column!r}")
        costs = _backbone_costs(metric, entry, sources)
        labels = table[column].to_numpy(dtype=np.float64)
        parts.append(FittedCostEvaluator(metric, costs, sources.encoded_architectures, labels))
    return parts


def _backbone_costs(metric: str, entry: Settings, sources: EvaluatorSources) -> LayerCosts[np.int64]:
    side = entry["resolution"]
    if type(side) is not int or side < 32:
        raise EvaluationError(f"metric {metric!r}: resolution: expected a whole number of at least 32, got {side!r}")
    return backbone_mac_costs(sources.space, sources.network_definition, side)


def _table(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    columns = {metric: str(entry.get("column", metric)) for metric, entry in metrics.items()}
    table = sources.given("architectures", "table")
    return [TableEvaluator(sources.space, table, columns, sources.encoded_architectures)]


def _imagenet(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    def make(settings: Settings) -> ArchitectureEvaluator:
        checked = ImageNetSettings.from_mapping(settings)
        return ImageNetEvaluator(sources.space, sources.network_definition, checked, progress=False)

    return _measured(metrics, sources, make, {"top1": "acc", "top5": "acc_top5"})


def _fid(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    family = sources.network_family
    if not isinstance(family, UNetDefinition):
        raise EvaluationError(f"space {sources.space.name!r} is of classifiers; fid is of U-Nets (family: unet)")

    def make(settings: Settings) -> ArchitectureEvaluator:
        return FidEvaluator(sources.space, family, FidSettings.from_mapping(settings), progress=False)

    return _measured(metrics, sources, make, {"fid": FID}, ONE_AT_A_TIME)


def _latency(metrics: Mapping[str, Settings], sources: EvaluatorSources) -> list[Evaluator]:
    def make(settings: Settings) -> ArchitectureEvaluator:
        return LatencyEvaluator(sources.space, sources.network_family, {**(sources.latency or {}), **settings})

    outputs = {"median": LATENCY_MS, "spread": SPREAD, "outliers": OUTLIERS}
    return _measured(metrics, sources, make, outputs, ONE_AT_A_TIME)


def measuring_evaluator(sources: EvaluatorSources) -> Evaluator:
    """What measures latency on this machine as the space's settings say, with all that is known of the repeats."""
    source = LatencyEvaluator(sources.space, sources.network_family, sources.latency or {})
    return _fanned_out(source, sources, ONE_AT_A_TIME)


def _measured(
    metrics: Mapping[str, Settings],
    sources: EvaluatorSources,
    make: Callable[[Settings], ArchitectureEvaluator],
    outputs: Mapping[str, str],
    fan_out: Settings = MappingProxyType({}),
) -> list[Evaluator]:
    """One evaluator for all metrics of the same settings: an architecture is evaluated once for all of them."""
    names: dict[str, dict[str, str]] = {}
    settings: dict[str, Settings] = {}
    for metric, entry in metrics.items():
        output = entry.get("output", next(iter(outputs)))
        if output not in outputs:
            raise EvaluationError(f"metric {metric!r}: output: {output!r} is not one of {list(outputs)}")
        own: Settings = {key: value for key, value in entry.items() if key not in ("type", "output")}
        same = json.dumps(own, sort_keys=True, default=str)
        if outputs[output] in names.setdefault(same, {}):
            raise EvaluationError(f"metric {metric!r}: is the same as metric {names[same][outputs[output]]!r}")
        names[same][outputs[output]] = metric
        settings[same] = own
    parts: list[Evaluator] = []
    for same, own in settings.items():
        source = make({key: value for key, value in own.items() if key != "fan_out"})
        spread = _fanned_out(source, sources, {**fan_out, **own.get("fan_out", {})})
        parts.append(RenamedEvaluator(spread, names[same]))
    return parts


def _fanned_out(source: ArchitectureEvaluator, sources: EvaluatorSources, own: Settings) -> FannedOut:
    settings = FanOutSettings.from_mapping({**(sources.fan_out or {}), **own})
    return FannedOut(sources.space, source, settings, sources.ledger)


def _keys(settings: type[StrictSettings], *left_out: str) -> dict[str, bool]:
    """The fields of settings as keys of an entry, and whether each must be there."""
    fields = {name: field.is_required() for name, field in settings.model_fields.items() if name not in left_out}
    return {**fields, "output": False, "fan_out": False}


EVALUATOR_TYPES: dict[str, EvaluatorType] = {
    "surrogate": EvaluatorType(_surrogate, {"offset": False, "noise": False, "noise_seed": False}),
    "layer_latency": EvaluatorType(_layer_latency, {}),
    "predictor": EvaluatorType(_predictor, {"target": False, "factor": False}),
    "released_predictor": EvaluatorType(_released_predictor, {"checkpoint": True}),
    "macs": EvaluatorType(_macs, {}),
    "params": EvaluatorType(_params, {}),
    "cost_model": EvaluatorType(_cost_model, dict.fromkeys(CostModelSettings.model_fields, False)),
    "backbone_flops": EvaluatorType(_backbone_flops, {"resolution": True}),
    "fitted_flops": EvaluatorType(_fitted_flops, {"resolution": True, "column": False}),
    "table": EvaluatorType(_table, {"column": False}),
    "latency_predictor": EvaluatorType(_latency_predictor, {"target": False}),
    "latency": EvaluatorType(_latency, _keys(LatencySettings)),
    "imagenet": EvaluatorType(_imagenet, _keys(ImageNetSettings)),
    "fid": EvaluatorType(_fid, _keys(FidSettings)),
}
"""Every type of evaluator that parameters may name; a new one is a function and a line here."""
