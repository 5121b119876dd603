"""Operator graphs of networks that are chains of layers, joined from the graphs of their layers.

Exporting a network takes seconds; its layers are the same few over and over. So each distinct layer is exported once,
and a network's graph is their concatenation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autobuild_pipelines.graphs.operator_draft import Piece
from autobuild_pipelines.graphs.operator_graph import OperatorGraph


def placed(piece: Piece, path: str, part: str) -> Piece:
    """A piece as it stands in a network: at a module path, in a part of the network."""
    graph = piece.graph
    names = tuple(".".join(filter(None, (path, name))) for name in graph.names)
    return replace(piece, graph=replace(graph, names=names, parts=(part,) * len(graph)))


def chained(pieces: Sequence[Piece]) -> OperatorGraph:
    """The graph of a network that feeds each piece's output to the next one.

    Raises:
        ValueError: A piece has other than one input and one output, or the shapes of two neighbours differ.
    """
    graphs = [piece.graph for piece in pieces]
    starts = np.cumsum([0, *map(len, graphs)])
    edges = [graph.edges + start for graph, start in zip(graphs, starts[:-1], strict=True)]
    for place, piece in enumerate(pieces):
        if len(piece.readers) != 1 or piece.output < 0:
            raise ValueError(f"piece {place} of a chain has {len(piece.readers)} inputs, or no single output")
        if place:
            before, readers = pieces[place - 1], piece.readers[0]
            _check_shapes(before, piece, place)
            source = np.full(len(readers), starts[place - 1] + before.output)
            edges.append(np.stack([source, readers + starts[place]]))
    joined = np.concatenate(edges, axis=1)
    return OperatorGraph(
        operations=sum((graph.operations for graph in graphs), ()),
        attributes=sum((graph.attributes for graph in graphs), ()),
        in_shapes=np.concatenate([graph.in_shapes for graph in graphs]),
        out_shapes=np.concatenate([graph.out_shapes for graph in graphs]),
        edges=joined[:, np.lexsort(joined)],
        macs=np.concatenate([graph.macs for graph in graphs]),
        names=sum((graph.names for graph in graphs), ()),
        parts=sum((graph.parts for graph in graphs), ()),
    )


def _check_shapes(before: Piece, piece: Piece, place: int) -> None:
    given = before.graph.out_shapes[before.output].tolist()
    taken = piece.graph.in_shapes[piece.readers[0][0]].tolist()
    if given != taken:
        raise ValueError(f"piece {place} of a chain reads {taken}, the piece before it gives {given}")
