"""The page of all figures of a space."""

from __future__ import annotations

import plotly.graph_objects as go

from autobuild_pipelines.reporting import figures_page

FIGURES = {name: go.Figure(go.Scatter(y=[1, 2])) for name in ("loss_figure", "pareto_<cpu>_figure")}


def test_the_page_holds_every_figure_in_order_and_needs_no_network() -> None:
    page = figures_page("figures/a", FIGURES)
    assert page.index('id="loss_figure"') < page.index('id="pareto_&lt;cpu&gt;_figure"')
    assert page.count("Plotly.newPlot(") >= 2
    assert 'src="https://cdn.plot.ly/plotly' not in page


def test_plotly_is_on_the_page_once() -> None:
    one = figures_page("figures/a", {"loss_figure": FIGURES["loss_figure"]})
    assert len(figures_page("figures/a", FIGURES)) < 1.1 * len(one)
