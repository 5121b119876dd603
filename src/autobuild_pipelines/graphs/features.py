"""Which features a node carries: categories with finitely many values, as the FE-MLP reads them (§7.1, §7.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.spaces import SearchSpace, Value


@dataclass(frozen=True)
class Category:
    """One category of node features.

    Attributes:
        name: "unit" (0-based stage), "layer" (0-based position inside the stage), a unit, layer or graph-level feature.
        values: Everything it may be; a node stores an index into them.
        scaled: For a numeric category its values as the predictor reads them; None for embedded categories.
        of_graph: Whether it is a graph-level feature, the same on all nodes of an architecture.
    """

    name: str
    values: tuple[Value, ...]
    scaled: tuple[float, ...] | None = None
    of_graph: bool = False


@dataclass(frozen=True)
class FeatureSchema:
    """The categories of a space's nodes, in the fixed order positions, unit, layer and graph-level features."""

    categories: tuple[Category, ...]

    @classmethod
    def of(cls, space: SearchSpace) -> FeatureSchema:
        """The schema of a search space, constant features included; positions as far as the space declares them."""
        declaration = space.declaration
        positions = {"unit": len(space.units), "layer": space.max_positions}
        categories = [
            *(Category(name, tuple(range(positions[name]))) for name in declaration.position_features),
            *(Category(name, feature.choices) for name, feature in declaration.unit_features.items()),
            *(Category(name, feature.choices) for name, feature in declaration.layer_features.items()),
        ]
        for name, graph_feature in declaration.graph_features.items():
            scale = graph_feature.scale
            scaled = None
            if scale is not None:
                scaled = tuple((float(v) - scale.offset) / scale.divisor for v in graph_feature.choices)
            categories.append(Category(name, graph_feature.choices, scaled, of_graph=True))
        return cls(tuple(categories))

    @property
    def offsets(self) -> NDArray[np.int64]:
        """[categories] where each category starts when all values of all categories are numbered through."""
        sizes = [len(c.values) for c in self.categories]
        return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values for a model card."""
        return [
            {
                "name": c.name,
                "values": list(c.values),
                "scaled": None if c.scaled is None else list(c.scaled),
                "of_graph": c.of_graph,
            }
            for c in self.categories
        ]

    @classmethod
    def from_json(cls, content: Sequence[dict[str, Any]]) -> FeatureSchema:
        """The inverse of `to_json`."""
        return cls(
            tuple(
                Category(
                    c["name"], tuple(c["values"]), None if c["scaled"] is None else tuple(c["scaled"]), c["of_graph"]
                )
                for c in content
            )
        )
