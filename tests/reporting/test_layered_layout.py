"""Places for the nodes of a small directed graph."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.reporting.layered_layout import layered


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """Nodes, and edges from smaller to larger numbers."""
    nodes = draw(st.integers(1, 12))
    pairs = [(a, b) for b in range(nodes) for a in range(b)]
    return nodes, sorted(draw(st.sets(st.sampled_from(pairs), max_size=20))) if pairs else []


@given(graphs())
def test_edges_lead_to_lower_layers_and_nodes_of_a_layer_stand_apart(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    nodes, edges = drawn
    found = layered(nodes, edges)
    assert all(found.layer[source] > found.layer[target] for source, target in edges)
    for level in range(found.layers):
        places = np.sort(found.x[found.layer == level])
        assert (np.diff(places) >= 1 - 1e-9).all()
    assert (found.x >= 0.5 - 1e-9).all()
    assert (found.x <= found.width - 0.5 + 1e-9).all()


@given(graphs())
def test_an_edges_path_passes_every_layer_between_its_ends(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    nodes, edges = drawn
    found = layered(nodes, edges)
    for (source, target), path in zip(edges, found.paths, strict=True):
        assert path[0] == (found.x[source], found.layer[source])
        assert path[-1] == (found.x[target], found.layer[target])
        assert [level for _, level in path] == list(range(found.layer[source], found.layer[target] - 1, -1))


def test_a_chain_is_a_straight_line() -> None:
    found = layered(4, [(0, 1), (1, 2), (2, 3)])
    assert found.x.tolist() == [0.5] * 4
    assert found.layer.tolist() == [3, 2, 1, 0]
