"""Target equations designed from labelled architectures, which together cover the Pareto front (§5.1, §7.7)."""

from autobuild_pipelines.design.directions import directions
from autobuild_pipelines.design.settings import DesignError, DesignSettings
from autobuild_pipelines.design.table import designed_targets_table, merged_targets, target_equations
from autobuild_pipelines.design.targets import DesignedTarget, Point, design_targets, designed_names, point_margin
from autobuild_pipelines.design.weighted_sum import SHAPES, WeightedSum

__all__ = [
    "SHAPES",
    "DesignError",
    "DesignSettings",
    "DesignedTarget",
    "Point",
    "WeightedSum",
    "design_targets",
    "designed_names",
    "designed_targets_table",
    "directions",
    "merged_targets",
    "point_margin",
    "target_equations",
]
