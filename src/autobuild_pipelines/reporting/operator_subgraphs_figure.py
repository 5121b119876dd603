"""The best and the worst subgraphs of operator graphs, drawn operation by operation (the paper's Fig. 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from autobuild_pipelines.graphs.neighbourhoods import in_neighbourhood
from autobuild_pipelines.graphs.operator_graph import OperatorGraph
from autobuild_pipelines.reporting import style
from autobuild_pipelines.reporting.block_canvas import Canvas, Line, Texts, choose, finish_canvas, is_dark
from autobuild_pipelines.reporting.layered_layout import Layout, layered

PAGE = Canvas.PAGE
BOX, TALL = 88.0, 32.0
"""Width and height of an operation's box."""
_PITCH, _ROW = 94.0, 54.0
"""From one box to the next, and from one layer to the next."""
_CAPTION, _BETWEEN = 40.0, 34.0
_LETTERS = 10.0
"""Size of letters in a box, two points less where boxes have to be narrower."""
_COLOURS = (style.SOFT_INK, style.GREY, style.BLUE, style.ORANGE, style.GREEN, style.PINK, style.SKY, style.VERMILLION,
            "#7a5195", "#3b4a5a", "#8c6d1f", "#b5446e")  # fmt: skip


def operator_subgraphs_figure(
    subgraphs: pd.DataFrame,
    graphs: Mapping[str, OperatorGraph],
    *,
    label_kind: str,
    top: int = 2,
    space: str = "",
) -> go.Figure:
    """For every hop a row: the best subgraphs and, last, the worst. With several targets one is chosen from a list.

    A box is an operation with its topological index and its channels, coloured by the part of the network that it
    stands in; lines lead downwards, to the subgraph's root at the bottom. Subgraphs are drawn as they occur in the
    table's example; of several with a root of the same operation and channels the best is drawn.

    Args:
        subgraphs: Table `operator_subgraphs`.
        graphs: Operator graphs by architecture id, the table's examples among them.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        top: How many of the best.
        space: The space's title.
    """
    title = "Best and worst subgraphs" + (f" in {space}" if space else "")
    table = subgraphs[subgraphs["hop"] > 0]
    if table.empty:
        return style.empty(title, "No subgraph of one hop or more occurs often enough.", label_kind)
    chosen = {str(target): _chosen(rows, top) for target, rows in table.groupby("target", sort=False)}
    order = dict.fromkeys(part for graph in graphs.values() for part in graph.parts)
    colours = {part: _COLOURS[place % len(_COLOURS)] for place, part in enumerate(order)}
    drawings = {target: _Drawing(colours) for target in chosen}
    height = max(drawings[target].draw(rows, graphs, top + 1) for target, rows in chosen.items())
    seen = {part for drawing in drawings.values() for part, boxes in drawing.boxes.items() if boxes.x}
    figure, traces = go.Figure(), 0
    for place, drawing in enumerate(drawings.values()):
        drawn = drawing.traces([part for part in colours if part in seen], visible=place == 0)
        figure.add_traces(drawn)
        traces = len(drawn)
    one = f"; target {next(iter(chosen))}" if len(chosen) == 1 else ""
    detail = f"what a node sees in so many hops; lines lead down, to that node; numbers are topological indices{one}"
    finish_canvas(figure, title, detail, label_kind, height, above=130)
    choose(figure, [*chosen], traces)
    return figure


def _chosen(rows: pd.DataFrame, top: int) -> list[list[dict[str, Any]]]:
    """Of one target, from the largest hop to the first: the best rows, then the worst."""
    out = []
    for _, of_hop in sorted(rows.groupby("hop"), key=lambda entry: -int(str(entry[0]))):
        kinds = of_hop.sort_values("rank").drop_duplicates(["operation", "in_channels", "out_channels"])
        best = kinds.head(top)
        worst = of_hop.sort_values("rank").tail(1)
        out.append([*_records(best), *_records(worst[~worst.index.isin(best.index)])])
    return out


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    found: list[dict[Any, Any]] = rows.to_dict("records")
    return found


class _Drawing:
    """What is drawn for one target, in pixels of a figure `PAGE` wide; y grows downwards."""

    def __init__(self, colours: Mapping[str, str]) -> None:
        self.colours = colours
        self.boxes = {part: Line() for part in colours}
        self.roots, self.flow, self.heads, self.texts = Line(), Line(), Line(), Texts()

    def draw(
        self, rows: Sequence[Sequence[dict[str, Any]]], graphs: Mapping[str, OperatorGraph], columns: int
    ) -> float:
        """A line for every hop; the height of all."""
        y = 0.0
        for line in rows:
            cells = [_Cell.of(row, graphs[str(row["architecture_id"])]) for row in line]
            for column, (row, cell) in enumerate(zip(line, cells, strict=True)):
                left = column * PAGE / columns
                self.texts.add(left, y, _caption(row), position="bottom right", size=12)
                self._cell(cell, left, y + _CAPTION, PAGE / columns - 12)
            y += _CAPTION + max(cell.layout.layers for cell in cells) * _ROW + _BETWEEN
        return y

    def _cell(self, cell: _Cell, left: float, top: float, room: float) -> None:
        layout = cell.layout
        scale = min(1.0, room / (layout.width * _PITCH))
        foot = top + (layout.layers - 0.5) * _ROW
        for path in layout.paths:
            points = [(left + x * _PITCH * scale, foot - level * _ROW) for x, level in path]
            (x, y), (end, below) = points[0], points[-1]
            between = [step for a, b in points[1:-1] for step in ((a, b - TALL / 2), (a, b + TALL / 2))]
            self.flow.add((x, y + TALL / 2), *between, (end, below - TALL / 2 - 3))
            self.heads.add((end, below - TALL / 2 - 3))
        half = BOX / 2 * scale
        for place, node in enumerate(cell.nodes.tolist()):
            x = left + float(layout.x[place]) * _PITCH * scale
            y = foot - float(layout.layer[place]) * _ROW
            corners = [(x + a * half, y + b * TALL / 2) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]
            part = cell.graph.parts[node]
            self.boxes[part].add(*corners)
            if place == len(cell.nodes) - 1:
                self.roots.add(*corners)
            ink = "white" if is_dark(self.colours[part]) else style.INK
            words = _words(cell.graph, node)
            size = _LETTERS if scale > 0.85 else _LETTERS - 2
            self.texts.add(x, y, words, colour=ink, size=size, hover=_hover(cell.graph, node))

    def traces(self, parts: Sequence[str], *, visible: bool) -> list[go.Scatter]:
        """Lines, a trace of boxes for each of the parts, outlines of roots, and texts."""
        common: dict[str, Any] = {"hoverinfo": "skip", "visible": visible}
        flow = go.Scatter(x=self.flow.x, y=self.flow.y, mode="lines", name="flow", showlegend=False,
                          line={"color": style.SOFT_INK, "width": 1.2}, **common)  # fmt: skip
        tip = {"symbol": "triangle-down", "size": 7, "color": style.SOFT_INK}
        heads = go.Scatter(
            x=self.heads.x, y=self.heads.y, mode="markers", name="arrow", showlegend=False, marker=tip, **common
        )
        boxes = [
            go.Scatter(
                x=self.boxes[part].x or [None],
                y=self.boxes[part].y or [None],
                mode="lines",
                name=part,
                legendgroup=part,
                fill="toself",
                fillcolor=self.colours[part],
                line={"color": self.colours[part], "width": 0.5},
                **common,
            )
            for part in parts
        ]
        roots = go.Scatter(x=self.roots.x, y=self.roots.y, mode="lines", name="the node itself", legendgroup="root",
                           line={"color": style.INK, "width": 2.5}, **common)  # fmt: skip
        return [flow, heads, *boxes, roots, self.texts.trace(visible=visible)]


@dataclass(frozen=True, eq=False)
class _Cell:
    """One subgraph: its graph, its nodes in topological order (the root last), and where they stand."""

    graph: OperatorGraph
    nodes: NDArray[np.int64]
    layout: Layout

    @classmethod
    def of(cls, row: Mapping[str, Any], graph: OperatorGraph) -> _Cell:
        nodes = in_neighbourhood(graph.edges, int(row["node"]), int(row["hop"]))
        place = {node: i for i, node in enumerate(nodes.tolist())}
        edges = [(place[a], place[b]) for a, b in graph.edges.T.tolist() if a in place and b in place]
        return cls(graph, nodes, layered(len(nodes), edges))


def _words(graph: OperatorGraph, node: int) -> str:
    """Two lines in a box: operation and index; channels, and what a convolution is."""
    before, after = int(graph.in_shapes[node, 0]), int(graph.out_shapes[node, 0])
    words = [f"{before}" if before == after else f"{before}→{after}"]
    attributes = graph.attributes[node]
    if "kernel" in attributes:
        groups = attributes.get("groups", 1)
        kind = "dw" if groups == before and before > 1 else "k"
        words.append(f"{kind}{attributes['kernel']}")
        words += [f"s{attributes['stride']}"] if attributes.get("stride", 1) != 1 else []
    return f"<b>{graph.operations[node].replace('_', ' ')} {node}</b><br>{' '.join(words)}"


def _hover(graph: OperatorGraph, node: int) -> str:
    shapes = (" × ".join(map(str, shape[node].tolist())) for shape in (graph.in_shapes, graph.out_shapes))
    attributes = ", ".join(f"{name} {value}" for name, value in graph.attributes[node].items())
    words = [f"<b>{graph.operations[node]} {node}</b> in {graph.parts[node]}", graph.names[node], " → ".join(shapes)]
    return "<br>".join([*words, attributes] if attributes else words)


def _caption(row: Mapping[str, Any]) -> str:
    hops = "1 hop" if row["hop"] == 1 else f"{row['hop']} hops"
    difference = float(row["label_difference"])
    with_it = "" if difference != difference else f", {row['target']} {difference:+.2g} with it"
    return (
        f"<b>{hops}: rank {row['rank']:,}</b>, {row['score']:+.1f} σ<br>"
        f"<span style='color:{style.SOFT_INK}'>in {row['architectures']:,} architectures{with_it}</span>"
    )
