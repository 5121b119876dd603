"""In-neighbourhoods of nodes, and which of them are alike: Weisfeiler-Lehman hashes along a graph's direction.

The m-hop in-neighbourhood of a node is what can be reached from it in m steps against the edges: all that message
passing lets it see. Its hash after m rounds of Weisfeiler-Lehman refinement (Shervashidze et al. 2011) is the same for
isomorphic neighbourhoods. The converse does not hold for every pair of graphs, but two neighbourhoods of equal hash
are the same to every message-passing encoder too (Xu et al. 2019), this one's included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_OWN, _SOURCE, _ROUND = (np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))


def label_hashes(labels: Iterable[str]) -> Hashes:
    """A 64-bit hash of every label, the same in every process."""
    digests = b"".join(hashlib.blake2b(label.encode(), digest_size=8).digest() for label in labels)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def neighbourhood_hashes(labels: Hashes, sources: NDArray[np.int64], offsets: NDArray[np.int64], hops: int) -> Hashes:
    r"""Hashes of the m-hop in-neighbourhoods of all nodes, m = 0 to `hops`.

    .. math:: h^0_v = label_v, \qquad h^{m+1}_v = mix(h^m_v, \sum_{u \to v} mix(h^m_u))

    with sums modulo 2^64, so that the order of a node's inputs does not matter; a pair of different neighbourhoods
    gets the same hash with a probability of about 2^-64.

    Args:
        labels: [N] hashes of the nodes' labels.
        sources: [E] source nodes of all edges, those of an edge to node 0 first, and so on.
        offsets: [N + 1] where each node's edges start.
        hops: M.

    Returns:
        [M + 1, N].
    """
    out = np.empty((hops + 1, len(labels)), dtype=np.uint64)
    out[0] = _mix(labels)
    total = np.zeros(len(sources) + 1, dtype=np.uint64)
    for hop in range(hops):
        np.cumsum(_mix(out[hop] ^ _SOURCE)[sources], out=total[1:])
        received = total[offsets[1:]] - total[offsets[:-1]]
        out[hop + 1] = _mix(out[hop] * _OWN + _mix(received + _ROUND))
    return out


def in_neighbourhood(edges: NDArray[np.int64], root: int, hops: int) -> NDArray[np.int64]:
    """Nodes within `hops` steps against the edges from a root, the root included, in topological order.

    Args:
        edges: [2, E] source and target of one graph.
        root: A node.
        hops: m.
    """
    found = frontier = {int(root)}
    for _ in range(hops):
        inside = np.isin(edges[1], sorted(frontier))
        frontier = set(edges[0, inside].tolist()) - found
        found = found | frontier
    return np.asarray(sorted(found), dtype=np.int64)


def hash_names(hashes: Hashes) -> Sequence[str]:
    """Hashes as 16 hexadecimal digits."""
    return [f"{value:016x}" for value in hashes.tolist()]


def _mix(x: Hashes) -> Hashes:
    """The finaliser of splitmix64: a bijection that lets every bit depend on every other."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
