"""Building with ranked modules: best combinations, reduced spaces, whole architectures."""

from autobuild_pipelines.building.combinations import best_combinations, combination_count
from autobuild_pipelines.building.constrained import best_agreeing_combinations
from autobuild_pipelines.building.construction import build_architectures, built_table, with_graph
from autobuild_pipelines.building.errors import BuildingError
from autobuild_pipelines.building.reduced_space import (
    ReducedSpace,
    read_reduced_spaces,
    reduced_space_table,
    top_modules,
)
from autobuild_pipelines.building.scored_modules import ScoredModules, scored_modules
from autobuild_pipelines.building.selection import layer_quotas, select_modules, top_of_unit

__all__ = [
    "BuildingError",
    "ReducedSpace",
    "ScoredModules",
    "best_agreeing_combinations",
    "best_combinations",
    "build_architectures",
    "built_table",
    "combination_count",
    "layer_quotas",
    "read_reduced_spaces",
    "reduced_space_table",
    "scored_modules",
    "select_modules",
    "top_modules",
    "top_of_unit",
    "with_graph",
]
