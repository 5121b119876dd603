"""The report of a run, from tables to HTML."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
from reporting_tables import make_comparison, make_evaluations, make_metrics, make_statistics, problem_settings

from autobuild_pipelines.reporting import style
from autobuild_pipelines.reporting.report import Chapter, RunRecord, SavedResult, render_report, write_chapter
from autobuild_pipelines.reporting.report.content import Drawing, Figure, Table, Text
from autobuild_pipelines.spaces import SearchSpace, to_table

SETTINGS: dict[str, Any] = {
    "label_kind": "surrogate",
    "seed": 7,
    "targets": {"acc": "acc", "acc_per_cpu": "acc * 100 / latency_cpu_ms"},
    "problems": {"cpu": problem_settings("cpu")},
    "evaluators": {"acc": {"type": "surrogate"}, "latency_cpu_ms": {"type": "layer_latency"}},
    "scoring": {"min_count": 10},
    "search": None,
}


def figure(title: str) -> go.Figure:
    return go.Figure(go.Scatter(y=[1.23456789012, 2]), {"title": {"text": f"<b>{title}</b><br>surrogate labels · x"}})


@pytest.fixture(scope="module")
def made(ofa_mbv3: SearchSpace) -> dict[str, Any]:
    import numpy as np

    drawn = ofa_mbv3.sample(6, np.random.default_rng(0), graph={"resolution": 224})
    labels = {"acc": np.linspace(0.75, 0.78, 6), "latency_cpu_ms": np.linspace(12, 20, 6)}
    table = to_table(ofa_mbv3, drawn, labels)
    keys = {"target": "acc", "method": "contextual", "rank": range(1, 7), "sum_of_scores": 4.0, "metric_sources": "{}"}
    rejected = pd.DataFrame({"row": [3, 4], "reason": ["unit 3 has 5 layers <b>"] * 2, "content": ["x"] * 2})
    return {
        "architectures": table,
        "rejected_architectures": rejected,
        "label_statistics": make_statistics(),
        "label_statistics_figure": figure("Labels by unit"),
        "predictor_metrics": make_metrics(),
        "built_architectures": table.assign(**keys),
        "evaluations": make_evaluations(2, 5).assign(architecture_id="a"),
        "comparison": make_comparison(),
        "pareto_cpu_figure": figure("Pareto fronts"),
        "unknown_figure": figure("Something new"),
    }


@pytest.fixture(scope="module")
def chapter(ofa_mbv3: SearchSpace, made: dict[str, Any]) -> Chapter:
    return write_chapter(ofa_mbv3, SETTINGS, made)


@pytest.fixture(scope="module")
def page(chapter: Chapter) -> str:
    record = RunRecord(
        "kedro run --env=small", "small", "v1", "abc123", True, {"torch": "2"}, node_seconds={"a.search.x": 2.0}
    )
    return render_report([chapter], record)


def blocks(chapter: Chapter, key: str) -> list[Any]:
    return [block for section in chapter.sections if section.key == key for block in section.blocks]


def test_sections_tell_the_run_from_the_question_to_its_cost(chapter: Chapter) -> None:
    keys = [section.key for section in chapter.sections]
    assert keys[:5] == ["asked", "data", "predictors", "importance", "modules"]
    assert keys[5:] == ["reduced", "built", "fronts", "methods", "cost", "others"]


def test_rejected_rows_are_told_with_their_reasons(chapter: Chapter) -> None:
    reasons = next(b for b in blocks(chapter, "data") if isinstance(b, Table) and b.caption.startswith("Why"))
    assert reasons.rows == (("unit 3 has 5 layers <b>", "2"),)


def test_surrogate_labels_are_marked_at_the_head_and_in_the_data(chapter: Chapter, page: str) -> None:
    notes = [b for b in blocks(chapter, "data") if isinstance(b, Text) and b.tone == "warning"]
    assert "surrogate" in notes[0].text
    assert page.count('class="kind surrogate"') >= 2


def test_a_built_architecture_is_drawn_with_its_evaluated_target(chapter: Chapter) -> None:
    drawing = next(b for b in blocks(chapter, "built") if isinstance(b, Drawing))
    assert drawing.facts["Evaluated"] == "0.7500"
    assert drawing.facts["CPU latency [ms]"] == "12.00 ms"
    assert drawing.svg.count("<rect") >= 10


def test_a_figure_says_in_words_what_it_shows(chapter: Chapter) -> None:
    (front,) = (b for b in blocks(chapter, "fronts") if isinstance(b, Figure))
    assert "largest hypervolume" in front.says
    assert (front.title, front.detail) == ("Pareto fronts", "surrogate labels · x")


def test_a_figure_that_no_section_knows_is_shown_all_the_same(chapter: Chapter) -> None:
    assert [b.name for b in blocks(chapter, "others")] == ["unknown_figure"]


def test_an_empty_figure_is_told_in_its_words(ofa_mbv3: SearchSpace) -> None:
    made = {"hypervolume_figure": style.empty("Hypervolume", "Nothing was searched.", "surrogate")}
    texts = [b.text for b in blocks(write_chapter(ofa_mbv3, SETTINGS, made), "others") if isinstance(b, Text)]
    assert texts == ["Hypervolume: Nothing was searched."]


def test_what_is_missing_is_told_with_the_pipeline_that_makes_it(chapter: Chapter) -> None:
    words = " ".join(b.text for b in blocks(chapter, "importance") if isinstance(b, Text))
    assert "`kedro run --pipeline=insight --params space=ofa_mbv3`" in words
    assert "--pipeline=ir_insight" in words


def test_what_another_pipeline_saved_is_shown_unless_it_is_outdated(
    ofa_mbv3: SearchSpace, made: dict[str, Any]
) -> None:
    fresh = SavedResult(figure("Effects"), "v2")
    found = write_chapter(ofa_mbv3, SETTINGS, made, {"feature_effects_figure": fresh})
    assert [b.name for b in blocks(found, "importance") if isinstance(b, Figure)] == ["feature_effects_figure"]
    stale = write_chapter(ofa_mbv3, SETTINGS, made, {"feature_effects_figure": SavedResult(None, "v0", True)})
    texts = [b.text for b in blocks(stale, "importance") if isinstance(b, Text)]
    assert any("version v0 is outdated" in text for text in texts)


def test_the_page_needs_no_network_and_no_storage(page: str) -> None:
    outside = re.sub(r'<script type="application/octet-stream".*?</script>', "", page, flags=re.DOTALL)
    assert "http" not in outside
    assert "localStorage" not in outside
    assert len(page) < 6_000_000


def test_words_from_data_are_escaped(page: str) -> None:
    assert "unit 3 has 5 layers &lt;b&gt;" in page


def test_a_figure_on_the_page_is_the_figure_without_its_title(page: str) -> None:
    packed = re.findall(r'class="packed">([^<]+)<', page)
    content = json.loads(gzip.decompress(base64.b64decode(packed[0])))
    assert content["data"][0]["y"] == [1.23457, 2]
    assert "title" not in content["layout"]


def test_provenance_tells_seed_revision_and_the_command(page: str) -> None:
    for words in ("git checkout abc123", "kedro run --env=small", "uncommitted changes", "Seed of ofa_mbv3"):
        assert words in page


def test_the_same_results_give_the_same_page(ofa_mbv3: SearchSpace, made: dict[str, Any], chapter: Chapter) -> None:
    again = write_chapter(ofa_mbv3, SETTINGS, made)
    assert render_report([again], RunRecord()) == render_report([chapter], RunRecord())


def test_a_space_of_which_nothing_is_known_has_a_chapter(ofa_mbv3: SearchSpace) -> None:
    assert "There is no table of architectures" in render_report([write_chapter(ofa_mbv3, SETTINGS, {})], RunRecord())


def test_layers_of_words_and_numbers_are_drawn_too(sd_fid: SearchSpace) -> None:
    import numpy as np

    table = to_table(sd_fid, sd_fid.sample(1, np.random.default_rng(0)))
    table = table.assign(target="fid", method="contextual", rank=1, sum_of_scores=1.0)
    found = write_chapter(sd_fid, {**SETTINGS, "targets": {"fid": "-fid"}}, {"built_architectures": table})
    drawing = next(b for b in blocks(found, "built") if isinstance(b, Drawing))
    assert "resid" in drawing.svg
    assert drawing.facts["Evaluated"] == "–"
