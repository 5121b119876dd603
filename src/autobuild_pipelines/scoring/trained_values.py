"""Which values of features the training architectures say anything about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.graphs import FeatureSchema, Vocabulary, sequence_graphs
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace


def trained_values(space: SearchSpace, training: ArchitectureArray) -> NDArray[np.bool_]:
    """[values of all categories, one after the other] whether training architectures say anything about each value.

    A value that is looked up must occur; of values read as numbers, one as small and one as large. What a predictor
    makes of others is what its weights started from, or a line drawn out beyond the data.
    """
    schema, vocabulary = FeatureSchema.of(space), Vocabulary(space)
    words = np.unique(sequence_graphs(space, training, vocabulary).nodes.numpy())
    seen = np.zeros(sum(len(category.values) for category in schema.categories), dtype=bool)
    seen[np.unique(vocabulary.features[words])] = True
    for category, start in zip(schema.categories, schema.offsets.tolist(), strict=True):
        of_category = slice(start, start + len(category.values))
        if category.scaled is not None and seen[of_category].any():
            numbers = np.asarray(category.scaled)
            known = numbers[seen[of_category]]
            seen[of_category] = (numbers >= known.min()) & (numbers <= known.max())
    return seen


def trained_pairs(space: SearchSpace, training: ArchitectureArray) -> set[tuple[str, str]]:
    """The (category, value as text) pairs of `trained_values`; positions and units as graphs count them, from 0."""
    schema = FeatureSchema.of(space)
    pairs = [(category.name, str(value)) for category in schema.categories for value in category.values]
    known = trained_values(space, training).tolist()
    return {pair for pair, seen in zip(pairs, known, strict=True) if seen}
