"""Proposals in a closed table become the nearest architecture that is left."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuild_pipelines.search import NearestSupported
from autobuild_pipelines.spaces import SearchSpace

SPACE = SearchSpace.from_mapping(
    "small",
    {
        "layer_features": {"kernel": {"choices": [3, 5, 7]}},
        "units": [{"name": f"u{i}", "layers": [1, 2, 3]} for i in range(3)],
    },
)


@settings(max_examples=60)
@given(seed=st.integers(0, 1000), count=st.integers(1, 30), size=st.integers(1, 40))
def test_every_proposal_gets_the_nearest_one_left_the_first_of_equals(seed: int, count: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    support, proposals = SPACE.sample(size, rng, law="depths"), SPACE.sample(count, rng, law="depths")
    taken = rng.random(size) < 0.3
    left = [i for i in range(size) if not taken[i]]
    expected = []
    for proposal in proposals.layers.tolist():
        if not left:
            break
        distance = {i: sum(x != y for x, y in zip(proposal, support.layers[i].tolist(), strict=True)) for i in left}
        expected.append(min(left, key=lambda i: (distance[i], i)))
        left.remove(expected[-1])
    assert NearestSupported(support).project(proposals, taken).tolist() == expected


def test_without_a_record_of_what_is_taken_a_supported_proposal_is_itself() -> None:
    support = SPACE.sample(30, np.random.default_rng(0))
    chosen = NearestSupported(support).project(support)
    assert support.take(chosen).keys() == support.keys()
