"""The report as one HTML page that needs no network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.report.content import Block, Chapter, Command, Figure, Section, Table, Text
from autobuild_pipelines.reporting.report.packing import packed_figure, packed_plotly
from autobuild_pipelines.reporting.report.record import RunRecord

UNDER_DARK: Mapping[str, str] = {
    style.INK: "#e6ebf1",
    style.SOFT_INK: "#aab4c0",
    style.GRID: "#323b46",
    style.GREY: "#8a94a1",
    style.SURROGATE_INK: "#ffab70",
    style.BLUE: "#4aa8e0",
    style.VERMILLION: "#f07f2e",
    "#7a5195": "#b58bd0",
    "#3b4a5a": "#9db1c6",
    "#08519c": "#6baed6",
    "#08306b": "#c6dbef",
    "#54278f": "#bcbddc",
    "#3f007d": "#efedf5",
}
"""What becomes of the colours of figures on a dark page."""


def render_report(chapters: Sequence[Chapter], record: RunRecord) -> str:
    """The page: a chapter a space, then where it comes from and how to make it again.

    Args:
        chapters: At least one.
        record: Of the run.

    Returns:
        HTML; plotly.js is in it once, packed, and unpacked by the browser when the first figure comes into view.
    """
    environment = Environment(
        loader=PackageLoader("autobuild_pipelines.reporting.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"packed": lambda figure: Markup(packed_figure(figure)), "markup": Markup, "code": _code}
    environment.globals |= {"labels": wording.labels}
    figures = any(isinstance(block, Figure) for chapter in chapters for s in chapter.sections for block in s.blocks)
    return environment.get_template("report.html.j2").render(
        title=f"AutoBuild report: {', '.join(chapter.title for chapter in chapters)}",
        chapters=chapters,
        closing=_closing(chapters, record),
        record=record,
        font=Markup(style.FONT),
        plotly=Markup(packed_plotly()) if figures else "",
        under_dark=Markup(json.dumps({light.lower(): dark for light, dark in UNDER_DARK.items()})),
    )


def _closing(chapters: Sequence[Chapter], record: RunRecord) -> Section:
    """Node times, provenance, and how to make the page again."""
    revision = record.git_revision + (", with uncommitted changes" if record.git_dirty else "")
    facts = {
        "Git revision": revision,
        "Version of this report": record.save_version or "unknown",
        "Environment": record.environment or "unknown",
        **{f"Seed of {c.space}": c.seed for c in chapters},
        **{f"Data of {c.space} ({wording.labels(c.label_kind)})": c.source for c in chapters},
        **{f"Version of {name}": version for name, version in record.versions.items()},
    }
    checkout = () if record.git_revision == "unknown" else (f"git checkout {record.git_revision}",)
    lines = (*checkout, "make setup", record.command or "kedro run --pipeline=reporting")
    made = "Makes everything on this page again; the same seed on the same machine gives the same tables."
    rebuilt = (
        "Makes this page again from the last saved version of every result. The runs that made the results stand in "
        "MLflow with their own commands: the tag `save_version` is the folder of what they saved."
    )
    blocks: list[Block] = [
        Command(rebuilt if record.rebuilt else made, lines),
        Table("Provenance", ("What", "Value"), tuple(facts.items())),
        *_times(record.node_seconds),
    ]
    if record.git_dirty:
        blocks.insert(
            1, Text("The checkout had uncommitted changes: the revision alone does not give this report.", "warning")
        )
    return Section("origin", "Provenance, and how to reproduce", tuple(blocks))


def _code(text: str) -> Markup:
    """Text with what stands between backticks as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if n % 2 else escape(part) for n, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)


def _times(node_seconds: Mapping[str, float]) -> Iterable[Table]:
    """Seconds by step and space, longest step first."""
    steps: dict[str, dict[str, float]] = {}
    for name, seconds in node_seconds.items():
        space, _, rest = name.partition(".")
        step = rest.rpartition(".")[0] or rest or name
        of_step = steps.setdefault(step, {})
        of_step[space] = of_step.get(space, 0.0) + seconds
    if not steps:
        return
    spaces = list(dict.fromkeys(space for of_step in steps.values() for space in of_step))
    order: list[tuple[str, Any]] = sorted(steps.items(), key=lambda item: -sum(item[1].values()))
    rows = tuple(
        (wording.words(step), *(f"{of_step.get(space, 0):.1f}" for space in spaces)) for step, of_step in order
    )
    yield Table("Seconds that the nodes of every step took", ("Step", *spaces), rows)
