"""Operator graphs as a few numeric arrays, and back: how they are stored (safetensors, never pickle)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.graphs.operator_graph import Attributes, OperatorGraph

_TEXTS = ("operations", "names", "parts")


def pack(graphs: Sequence[OperatorGraph]) -> dict[str, NDArray[Any]]:
    """Concatenate graphs.

    Returns:
        With n nodes and e edges in all graphs together:

        - `node_offsets`, `edge_offsets`: int64 [graphs + 1], where each graph's nodes and edges start;
        - `operations`, `attributes`, `names`, `parts`: int32 [n], codes into `vocabulary`;
        - `in_shapes`, `out_shapes`: int32 [n, 3]; `macs`: int64 [n];
        - `edges`: int32 [2, e], indices within each graph;
        - `vocabulary`: uint8, JSON text of four lists: operations, attributes (objects), names and parts.
    """
    vocabulary: dict[str, list[Any]] = {}
    arrays: dict[str, NDArray[Any]] = {
        "node_offsets": _offsets(len(graph) for graph in graphs),
        "edge_offsets": _offsets(graph.edges.shape[1] for graph in graphs),
        "in_shapes": _joined([graph.in_shapes for graph in graphs], (0, 3), np.int32),
        "out_shapes": _joined([graph.out_shapes for graph in graphs], (0, 3), np.int32),
        "macs": _joined([graph.macs for graph in graphs], (0,), np.int64),
        "edges": _joined([graph.edges.T for graph in graphs], (0, 2), np.int32).T,
    }
    for field in _TEXTS:
        codes: dict[str, int] = {}
        found = [codes.setdefault(text, len(codes)) for graph in graphs for text in getattr(graph, field)]
        arrays[field], vocabulary[field] = np.asarray(found, dtype=np.int32), list(codes)
    arrays["attributes"], vocabulary["attributes"] = _attribute_codes(graphs)
    text = json.dumps(vocabulary, separators=(",", ":")).encode()
    arrays["vocabulary"] = np.frombuffer(text, dtype=np.uint8)
    return arrays


def unpack(arrays: Mapping[str, NDArray[Any]]) -> list[OperatorGraph]:
    """The graphs that `pack` concatenated.

    Raises:
        ValueError: An array is missing, or they do not belong together.
    """
    wanted = {"node_offsets", "edge_offsets", "in_shapes", "out_shapes", "macs", "edges", "attributes", "vocabulary"}
    if missing := sorted((wanted | set(_TEXTS)) - set(arrays)):
        raise ValueError(f"packed operator graphs lack {', '.join(missing)}")
    vocabulary = json.loads(np.asarray(arrays["vocabulary"], dtype=np.uint8).tobytes())
    _check(arrays, vocabulary)
    texts = {field: [vocabulary[field][code] for code in arrays[field].tolist()] for field in (*_TEXTS, "attributes")}
    whole = {field: arrays[field].astype(np.int64) for field in ("in_shapes", "out_shapes", "macs", "edges")}
    nodes, edges = arrays["node_offsets"].tolist(), arrays["edge_offsets"].tolist()
    graphs = []
    for graph in range(len(nodes) - 1):
        at, between = slice(nodes[graph], nodes[graph + 1]), slice(edges[graph], edges[graph + 1])
        graphs.append(
            OperatorGraph(
                operations=tuple(texts["operations"][at]),
                attributes=tuple(texts["attributes"][at]),
                in_shapes=whole["in_shapes"][at],
                out_shapes=whole["out_shapes"][at],
                edges=whole["edges"][:, between],
                macs=whole["macs"][at],
                names=tuple(texts["names"][at]),
                parts=tuple(texts["parts"][at]),
            )
        )
    return graphs


def _attribute_codes(graphs: Sequence[OperatorGraph]) -> tuple[NDArray[np.int32], list[Attributes]]:
    """Codes [n] of the nodes' attributes, and the distinct ones; nodes often share one mapping, which is read once."""
    codes: dict[str, int] = {}
    known: dict[int, int] = {}
    found = []
    for graph in graphs:
        for attributes in graph.attributes:
            code = known.get(id(attributes))
            if code is None:
                code = codes.setdefault(json.dumps(dict(attributes), sort_keys=True), len(codes))
                known[id(attributes)] = code
            found.append(code)
    return np.asarray(found, dtype=np.int32), [json.loads(text) for text in codes]


def _offsets(lengths: Iterable[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *lengths], dtype=np.int64)


def _joined(arrays: Sequence[NDArray[Any]], empty: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(empty, dtype=np.int64), *arrays]).astype(dtype)


def _check(arrays: Mapping[str, NDArray[Any]], vocabulary: Mapping[str, Sequence[Any]]) -> None:
    nodes, edges = int(arrays["node_offsets"][-1]), int(arrays["edge_offsets"][-1])
    lengths = {field: len(arrays[field]) for field in (*_TEXTS, "attributes", "in_shapes", "out_shapes", "macs")}
    if wrong := {field: length for field, length in lengths.items() if length != nodes}:
        raise ValueError(f"packed operator graphs of {nodes} nodes have arrays of other lengths: {wrong}")
    if arrays["edges"].shape != (2, edges) or len(arrays["edge_offsets"]) != len(arrays["node_offsets"]):
        raise ValueError(f"packed operator graphs of {edges} edges have edges of shape {arrays['edges'].shape}")
    for field in (*_TEXTS, "attributes"):
        codes = arrays[field]
        if codes.size and not 0 <= codes.min() <= codes.max() < len(vocabulary[field]):
            raise ValueError(f"packed operator graphs have codes of {field} that their vocabulary lacks")
