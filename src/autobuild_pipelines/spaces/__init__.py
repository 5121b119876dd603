"""What an architecture is: search spaces as data, their units, modules, sizes, samples and checks."""

from autobuild_pipelines.spaces.architecture import ABSENT, Architecture, ArchitectureArray, Codes, Layer
from autobuild_pipelines.spaces.assignments import Assignments
from autobuild_pipelines.spaces.declaration import SpaceDeclaration
from autobuild_pipelines.spaces.declared_features import Value
from autobuild_pipelines.spaces.enumeration import Enumeration
from autobuild_pipelines.spaces.errors import ArchitectureError, SpaceError
from autobuild_pipelines.spaces.ranking_unit import RankingUnit
from autobuild_pipelines.spaces.space import SearchSpace
from autobuild_pipelines.spaces.summary import summary, unit_table
from autobuild_pipelines.spaces.table import from_table, label_columns, to_table
from autobuild_pipelines.spaces.unit import Unit, module_depths

__all__ = [
    "ABSENT",
    "Architecture",
    "ArchitectureArray",
    "ArchitectureError",
    "Assignments",
    "Codes",
    "Enumeration",
    "Layer",
    "RankingUnit",
    "SearchSpace",
    "SpaceDeclaration",
    "SpaceError",
    "Unit",
    "Value",
    "from_table",
    "label_columns",
    "module_depths",
    "summary",
    "to_table",
    "unit_table",
]
