"""All figures of a space as one page that needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import plotly.graph_objects as go

from autobuild_pipelines.reporting import style

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ margin: 0 auto; max-width: 1200px; font-family: {font}; color: {ink}; }}
section {{ border-bottom: 1px solid {grid}; padding: 8px 0; }}
</style>
</head>
<body>
{sections}
</body>
</html>
"""


def figures_page(title: str, figures: Mapping[str, go.Figure]) -> str:
    """The figures, one below the other in their order, as HTML; plotly.js (some 4.5 MB) is in it once."""
    sections = [
        f'<section id="{escape(name)}">{figure.to_html(full_html=False, include_plotlyjs=place == 0)}</section>'
        for place, (name, figure) in enumerate(figures.items())
    ]
    return _PAGE.format(
        title=escape(title), font=style.FONT, ink=style.INK, grid=style.GRID, sections="\n".join(sections)
    )
