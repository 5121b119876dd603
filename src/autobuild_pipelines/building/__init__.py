"""Building with ranked modules: best combinations, reduced spaces, whole architectures."""

from autobuild_pipelines.building.combinations import best_combinations, combination_count
from autobuild_pipelines.building.construction import build_architectures, built_table, with_graph
from autobuild_pipelines.building.errors import BuildingError
from autobuild_pipelines.building.reduced_space import (
    ReducedSpace,
    read_reduced_spaces,
    reduced_space_table,
    top_modules,
)
from autobuild_pipelines.building.scored_modules import ScoredModules, scored_modules

__all__ = [
    "BuildingError",
    "ReducedSpace",
    "ScoredModules",
    "best_combinations",
    "build_architectures",
    "built_table",
    "combination_count",
    "read_reduced_spaces",
    "reduced_space_table",
    "scored_modules",
    "top_modules",
    "with_graph",
]
