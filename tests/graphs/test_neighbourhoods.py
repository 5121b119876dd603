"""In-neighbourhoods of nodes, and which of them are alike."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from autobuild_pipelines.graphs.neighbourhoods import (
    hash_names,
    in_neighbourhood,
    label_hashes,
    neighbourhood_hashes,
)

HOPS = 3
Drawn = tuple[list[str], list[tuple[int, int]]]


@st.composite
def graphs(draw: st.DrawFn) -> Drawn:
    """Labels, and edges from smaller to larger numbers."""
    labels = draw(st.lists(st.sampled_from("ab"), min_size=1, max_size=9))
    pairs = [(a, b) for b in range(len(labels)) for a in range(b)]
    return labels, sorted(draw(st.sets(st.sampled_from(pairs)))) if pairs else []


def hashes(labels: list[str], edges: list[tuple[int, int]], hops: int = HOPS) -> NDArray[np.uint64]:
    by_target = sorted(edges, key=lambda edge: edge[1])
    sources = np.asarray([a for a, _ in by_target], dtype=np.int64)
    counts = np.bincount([b for _, b in by_target], minlength=len(labels))
    return neighbourhood_hashes(label_hashes(labels), sources, np.concatenate([[0], np.cumsum(counts)]), hops)


def grouped(values: list[object]) -> set[frozenset[int]]:
    return {frozenset(i for i, other in enumerate(values) if other == value) for value in values}


@given(graphs())
def test_nodes_have_equal_hashes_where_their_inputs_look_equal_as_far_as_one_can_see(drawn: Drawn) -> None:
    labels, edges = drawn

    def seen(node: int, hops: int) -> object:
        inputs = sorted(repr(seen(a, hops - 1)) for a, b in edges if b == node) if hops else []
        return (labels[node], seen(node, hops - 1) if hops else None, tuple(inputs))

    for hop, level in enumerate(hashes(labels, edges)):
        assert grouped(level.tolist()) == grouped([seen(node, hop) for node in range(len(labels))])


@given(graphs(), st.randoms())
def test_isomorphic_neighbourhoods_have_the_same_hash(drawn: Drawn, random: object) -> None:
    labels, edges = drawn
    order = list(range(len(labels)))
    random.shuffle(order)  # type: ignore[attr-defined]
    moved = [labels[order.index(i)] for i in range(len(labels))]
    again = hashes(moved, [(order[a], order[b]) for a, b in edges])
    np.testing.assert_array_equal(again[:, order], hashes(labels, edges))


@given(graphs(), st.integers(0, 3))
def test_a_neighbourhood_is_what_a_walk_against_the_edges_reaches(drawn: Drawn, hops: int) -> None:
    labels, edges = drawn
    reverse = nx.DiGraph([(b, a) for a, b in edges])
    reverse.add_nodes_from(range(len(labels)))
    packed = np.asarray(edges, dtype=np.int64).reshape(-1, 2).T
    for node in range(len(labels)):
        found = in_neighbourhood(packed, node, hops)
        assert found.tolist() == sorted(nx.ego_graph(reverse, node, radius=hops))


def test_a_hash_is_the_same_in_every_process() -> None:
    # Computed once: a change would give known subgraphs other names.
    assert hash_names(hashes(["conv", "relu"], [(0, 1)], 1)[1]) == ["9d3d4c62706d0f1b", "299fe485106118a5"]
