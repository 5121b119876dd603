"""Searching: Pareto sets, mutations, the evolutionary search and its variants, and how they compare."""

from autobuild_pipelines.search.comparison import (
    FINE_TUNED,
    TRAINING_SET,
    built_variant,
    compare,
    progress_under_budgets,
)
from autobuild_pipelines.search.constructed import (
    EXHAUSTIVE,
    OPTIMUM,
    RANDOM,
    constructed_table,
    construction_table,
    pareto_gains,
)
from autobuild_pipelines.search.evolution import Evolution, EvolutionSettings, evolve
from autobuild_pipelines.search.guide import Guide, ObjectiveTargets, PredictorGuide, objective_targets
from autobuild_pipelines.search.guided import GuidedSettings, guided_search
from autobuild_pipelines.search.mutation import LayerMutation, ModuleMutation, Mutation
from autobuild_pipelines.search.pareto import hypervolume, pareto_mask
from autobuild_pipelines.search.problem import Objective, Problem, SearchError, check_problems
from autobuild_pipelines.search.projection import NearestSupported
from autobuild_pipelines.search.randomness import generator
from autobuild_pipelines.search.run import SearchSettings, pareto_fronts, random_members, read_problems, run_search
from autobuild_pipelines.search.stopwatch import Stopwatch
from autobuild_pipelines.search.true_values import TrueValues
from autobuild_pipelines.search.variants import ReducedSpaces, Variant, VariantSearch, variant_search

__all__ = [
    "EXHAUSTIVE",
    "FINE_TUNED",
    "OPTIMUM",
    "RANDOM",
    "TRAINING_SET",
    "Evolution",
    "EvolutionSettings",
    "Guide",
    "GuidedSettings",
    "LayerMutation",
    "ModuleMutation",
    "Mutation",
    "NearestSupported",
    "Objective",
    "ObjectiveTargets",
    "PredictorGuide",
    "Problem",
    "ReducedSpaces",
    "SearchError",
    "SearchSettings",
    "Stopwatch",
    "TrueValues",
    "Variant",
    "VariantSearch",
    "built_variant",
    "check_problems",
    "compare",
    "constructed_table",
    "construction_table",
    "evolve",
    "generator",
    "guided_search",
    "hypervolume",
    "objective_targets",
    "pareto_fronts",
    "pareto_gains",
    "pareto_mask",
    "progress_under_budgets",
    "random_members",
    "read_problems",
    "run_search",
    "variant_search",
]
