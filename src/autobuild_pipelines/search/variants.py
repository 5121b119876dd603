"""Search variants as data: what mutates, in which part of the space, and how the first architectures are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from autobuild_pipelines.building import ReducedSpace
from autobuild_pipelines.search.evolution import Sampler
from autobuild_pipelines.search.mutation import LayerMutation, ModuleMutation, Mutation
from autobuild_pipelines.search.problem import Problem, SearchError, checked
from autobuild_pipelines.spaces import SearchSpace
from autobuild_pipelines.spaces.settings import FrozenSettings

ReducedSpaces = Mapping[tuple[str, str], ReducedSpace]
"""The reduced space of every (problem, scoring method)."""


class Variant(FrozenSettings):
    """One variant of the search.

    Attributes:
        name: Its name in tables.
        strategy: "evolution", the evolutionary search of §7.5; "guided", see `guided_search`, which mutates and samples
            as the variant says but evaluates what predictors of the objectives propose.
        mutation: "layer" edits one layer of a unit that is hit, "module" replaces the unit's module.
        space: "full"; "restriction", the problem's hand-made part; "reduced", the best modules by `method`.
        method: Whose scores make the reduced space.
        sampling: Law of the first random architectures: "depths" draws every unit's number of layers uniformly, then
            the layers; "modules" draws every module uniformly. A reduced space knows only "modules".
        mutation_probability: Probability that a unit is hit; a restriction may declare its own.
    """

    name: str
    strategy: Literal["evolution", "guided"] = "evolution"
    mutation: Literal["layer", "module"]
    space: Literal["full", "restriction", "reduced"]
    method: str | None = None
    sampling: Literal["depths", "modules"] = "modules"
    mutation_probability: Annotated[float, Field(ge=0, le=1)] = 0.5

    @model_validator(mode="after")
    def _check(self) -> Variant:
        if (self.space == "reduced") != (self.method is not None):
            raise ValueError("method: name it with space: reduced, and only then")
        if self.space == "reduced" and (self.mutation, self.sampling) != ("module", "modules"):
            raise ValueError("space: reduced has modules to mutate and to sample, not layers or depths")
        return self

    @classmethod
    def from_mapping(cls, name: str, content: Any) -> Variant:
        """Read one entry of the parameter `search.variants`.

        Raises:
            SearchError: Names the key that is wrong and the reason.
        """
        return checked(cls, f"search.variants.{name}", content, name=name)

    def applies_to(self, problem: Problem) -> bool:
        """Whether the problem declares the restriction that the variant searches."""
        return self.space != "restriction" or problem.layer_insight is not None


@dataclass(frozen=True, eq=False)
class VariantSearch:
    """What the engine needs for one variant of one problem.

    Attributes:
        sample: Source of random architectures.
        mutation: The mutation.
        size: Number of architectures of the part searched, without graph-level features, exactly.
        restricted: The restricted space, when there is one: what is evaluated must lie in it.
    """

    sample: Sampler
    mutation: Mutation
    size: int
    restricted: SearchSpace | None = None


def variant_search(space: SearchSpace, problem: Problem, variant: Variant, reduced: ReducedSpaces) -> VariantSearch:
    """Set one variant up for one problem.

    Raises:
        SearchError: There is no reduced space of the problem by the variant's method, or the space has constraints
            that the variant's mutation would break.
        SpaceError: The problem's restriction is not declared, or leaves a unit empty.
    """
    if variant.space == "reduced":
        key = (problem.name, variant.method or "")
        if key not in reduced:
            raise SearchError(
                f"variant {variant.name!r}: problem {problem.name!r} has no reduced space by {variant.method!r}; "
                f"there are {sorted(reduced) or 'none'}"
            )
        listed = reduced[key]
        odds = [variant.mutation_probability] * len(space.ranking_units)
        return VariantSearch(
            lambda count, rng: listed.sample(count, rng, graph=problem.graph),
            ModuleMutation(space.ranking_units, odds, listed.modules),
            listed.size,
        )
    restriction = problem.layer_insight if variant.space == "restriction" else None
    if variant.space == "restriction" and restriction is None:
        raise SearchError(f"variant {variant.name!r}: problem {problem.name!r} has no key 'layer_insight'")
    part = space if restriction is None else space.restrict(restriction)
    if variant.mutation == "module":
        odds = [variant.mutation_probability] * len(part.ranking_units)
        mutation: Mutation = ModuleMutation(part.ranking_units, odds)
    else:
        mutation = LayerMutation(part, space.mutation_probabilities(restriction, variant.mutation_probability))
    return VariantSearch(
        lambda count, rng: part.sample(count, rng, law=variant.sampling, graph=problem.graph),
        mutation,
        part.size,
        None if restriction is None else part,
    )
