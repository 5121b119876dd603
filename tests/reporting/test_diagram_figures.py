"""Block diagrams of architectures and of modules."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from autobuild_pipelines.reporting import architecture_diagrams_figure, module_diagrams_figure
from autobuild_pipelines.reporting.block_canvas import operation_colours, operation_letters
from autobuild_pipelines.reporting.sections import SectionError
from autobuild_pipelines.spaces import SearchSpace, to_table

OPERATIONS = ["residual", "attention", "downsample", "upsample"]
METRICS = ["fid", "predicted_fid", "latency_ms", "macs"]
# A space of a user's own: other names, a middle that is searched, branches of two and one stages.
OWN: dict[str, Any] = {
    "unit_features": {"part": {"choices": ["down", "bottom", "up"]}, "level": {"choices": [1, 2]}},
    "layer_features": {"op": {"choices": ["conv", "pool"]}, "wide": {"choices": [8, 16]}},
    "units": [
        {"name": "a", "layers": [1, 2], "features": {"part": "down", "level": 1}},
        {"name": "b", "layers": [1], "features": {"part": "down", "level": 2}},
        {"name": "m", "layers": [1], "features": {"part": "bottom", "level": 2}},
        {"name": "c", "layers": [1, 2, 3], "features": {"part": "up", "level": 1}},
    ],
}
OWN_NAMES = {"section": "part", "stage": "level", "operation": "op", "width": "wide",
             "descending": "down", "middle": "bottom", "ascending": "up"}  # fmt: skip


def built(
    space: SearchSpace,
    count: int = 4,
    methods: tuple[str, ...] = ("constrained", "exhaustive"),
    targets: tuple[str, ...] = ("fid",),
) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    parts = []
    for target in targets:
        for method in methods:
            labels = {"fid": 17 + rng.random(count), "latency_ms": 30 + rng.random(count), "macs": 4.1e11}
            keys = {"target": [target] * count, "method": [method] * count, "rank": np.arange(1, count + 1)}
            parts.append(to_table(space, space.sample(count, rng), {**keys, **labels}).assign(predicted_fid=np.nan))
    return pd.concat(parts, ignore_index=True)


def scores(space: SearchSpace, choices: tuple[tuple[str, str], ...] = (("fid", "constrained"),)) -> pd.DataFrame:
    parts = []
    for target, method in choices:
        for unit in space.ranking_units:
            modules = space.module_json(unit.module_array())
            rank = np.arange(1, len(modules) + 1)
            keys = {"unit": unit.number, "module": modules, "target": target, "method": method}
            parts.append(pd.DataFrame({**keys, "score": 2 - rank / 100, "standard_error": 0.25, "rank": rank}))
    return pd.concat(parts, ignore_index=True)


def texts(figure: go.Figure, choice: int = 0) -> list[str]:
    return list([trace for trace in figure.data if trace.name == "text"][choice].text)


def rectangles(figure: go.Figure) -> dict[str, int]:
    """Blocks drawn of each operation."""
    return {t.legendgroup: sum(x is None for x in t.x) for t in figure.data if t.fill == "toself"}


def test_every_layer_of_the_best_architectures_is_a_block_in_its_operations_colour(sd_fid: SearchSpace) -> None:
    table = built(sd_fid)
    figure = architecture_diagrams_figure(table, sd_fid, metrics=METRICS, label_kind="measured")
    layers = [layer["operation"] for units in table["units"] for unit in json.loads(units) for layer in unit]
    assert rectangles(figure) == {operation: layers.count(operation) for operation in OPERATIONS}
    colours = {trace.legendgroup: trace.fillcolor for trace in figure.data if trace.fill == "toself"}
    assert colours == operation_colours(OPERATIONS)
    assert len(set(colours.values())) == 4
    listed = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert listed == ["R  residual", "A  attention", "D  downsample", "U  upsample"]


def test_input_stages_descend_on_the_left_output_stages_ascend_on_the_right_and_the_middle_is_below(
    sd_fid: SearchSpace,
) -> None:
    figure = architecture_diagrams_figure(built(sd_fid, 1, ("constrained",)), sd_fid, metrics=[], label_kind="measured")
    text = next(trace for trace in figure.data if trace.name == "text")
    places = {
        hover.split(",")[0]: (x, y) for x, y, hover in zip(text.x, text.y, text.hovertext, strict=True) if "," in hover
    }
    heights = [places[f"Input stage {stage}"][1] for stage in (1, 2, 3, 4)]
    assert heights == sorted(heights)
    assert heights == [places[f"Output stage {stage}"][1] for stage in (1, 2, 3, 4)]
    assert places["Middle"][1] > heights[-1]
    assert all(places[f"Input stage {s}"][0] < places["Middle"][0] < places[f"Output stage {s}"][0] for s in (1, 2))
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # y grows downwards


def test_skip_lines_join_stages_of_both_branches_and_carry_their_channels(sd_fid: SearchSpace) -> None:
    table = built(sd_fid, 1, ("constrained",))
    figure = architecture_diagrams_figure(table, sd_fid, metrics=[], label_kind="measured")
    skips = next(trace for trace in figure.data if trace.name == "skip")
    assert sum(x is None for x in skips.x) == 4
    units = json.loads(table["units"][0])
    assert {f"{unit[0]['channels']:,d}" for unit in units[:4]} <= set(texts(figure))


def test_captions_carry_the_rank_and_every_metric_that_is_known(sd_fid: SearchSpace) -> None:
    table = built(sd_fid, 2)
    words = texts(architecture_diagrams_figure(table, sd_fid, metrics=METRICS, label_kind="measured"))
    caption = next(word for word in words if word.startswith("<b>2</b>"))
    fid, latency = float(table["fid"][1]), float(table["latency_ms"][1])
    assert f"<b>FID {fid:.2f}</b>" in caption
    assert f"Latency {latency:.2f} ms" in caption
    assert "MACs 410.0 G" in caption
    assert "redicted" not in caption  # not known: NaN
    known = architecture_diagrams_figure(table.assign(predicted_fid=17.0), sd_fid, metrics=METRICS, label_kind="x")
    assert any("Predicted FID 17.00" in word for word in texts(known))


def test_each_method_has_its_title_and_at_most_so_many_architectures(sd_fid: SearchSpace) -> None:
    table = built(sd_fid, 6, ("constrained", "unconstrained", "exhaustive"))
    words = texts(
        architecture_diagrams_figure(
            table, sd_fid, metrics=METRICS, label_kind="measured", top=2, targets={"fid": "-fid"}
        )
    )
    for method in ("AutoBuild Constrained", "AutoBuild Unconstrained", "Exhaustive Search"):
        assert f"<b>{method}</b>   maximises -fid" in words
    assert sum(word.startswith("<b>1</b>") for word in words) == 3
    assert sum(word.startswith("<b>3</b>") for word in words) == 0


@pytest.mark.parametrize("count", [1, 4, 11])
def test_diagrams_do_not_overlap_nor_leave_the_page_however_many_there_are(sd_fid: SearchSpace, count: int) -> None:
    table = built(sd_fid, count, ("constrained",))
    figure = architecture_diagrams_figure(table, sd_fid, metrics=METRICS, label_kind="measured", top=count)
    corners = set()
    for trace in figure.data:
        if trace.fill == "toself":
            x, y = np.asarray(trace.x, dtype=float), np.asarray(trace.y, dtype=float)
            if len(x) > 1:
                corners |= {(a, b) for a, b in zip(x.reshape(-1, 6)[:, 0], y.reshape(-1, 6)[:, 0], strict=True)}
            assert np.nanmax(x, initial=0) <= figure.layout.xaxis.range[1]
            assert np.nanmax(y, initial=0) <= figure.layout.yaxis.range[0]
    assert len(corners) == sum(rectangles(figure)[o] for o in OPERATIONS if rectangles(figure)[o] > 0)


def test_a_target_is_chosen_from_a_list_which_shows_its_traces_alone(sd_hardware: SearchSpace) -> None:
    table = built(sd_hardware, 2, targets=("fid_latency", "fid_flops"))
    figure = architecture_diagrams_figure(table, sd_hardware, metrics=METRICS, label_kind="measured")
    (menu,) = figure.layout.updatemenus
    masks = np.asarray([button.args[0]["visible"] for button in menu.buttons])
    assert [button.label for button in menu.buttons] == ["fid_latency", "fid_flops"]
    assert masks.shape == (2, len(figure.data))
    assert (masks.sum(axis=0) == 1).all()
    assert [bool(trace.visible) for trace in figure.data] == masks[0].tolist()


def test_spaces_with_other_names_are_drawn_by_the_names_given() -> None:
    space = SearchSpace.from_mapping("own", OWN)
    table = built(space, 3)
    figure = architecture_diagrams_figure(table, space, metrics=["fid"], label_kind="measured", names=OWN_NAMES)
    assert set(rectangles(figure)) == {"conv", "pool"}
    modules = module_diagrams_figure(scores(space), space, label_kind="measured", names=OWN_NAMES)
    assert {"<b>Down level 1</b>", "<b>Down level 2</b>", "<b>Bottom</b>", "<b>Up level 1</b>"} <= set(texts(modules))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"section": "place"}, "no unit feature 'place'.*'part', 'level'"),
        ({"width": "channels"}, "no layer feature 'channels'.*'op', 'wide'"),
        ({"ascending": "output"}, "'part' is never 'output'"),
        ({"middle": "between"}, r"unit 3 \(m\) has part 'bottom', which is none of"),
    ],
)
def test_names_that_a_space_does_not_have_are_an_error_that_says_what_it_has(
    change: dict[str, str], message: str
) -> None:
    space = SearchSpace.from_mapping("own", OWN)
    table = built(space, 1)
    with pytest.raises(SectionError, match=message):
        architecture_diagrams_figure(table, space, metrics=[], label_kind="measured", names={**OWN_NAMES, **change})


def test_a_space_without_sections_cannot_be_drawn(ofa_mbv3: SearchSpace) -> None:
    with pytest.raises(SectionError, match="space 'ofa_mbv3' has no unit feature 'section'"):
        module_diagrams_figure(pd.DataFrame(), ofa_mbv3, label_kind="measured")


def test_the_best_modules_of_every_stage_stand_with_their_channels_and_scores(sd_fid: SearchSpace) -> None:
    figure = module_diagrams_figure(scores(sd_fid), sd_fid, label_kind="measured", top=3)
    words = texts(figure)
    titles = [f"<b>{part} stage {stage}</b>" for stage in (1, 2, 3, 4) for part in ("Input", "Output")]
    assert [word for word in words if " stage " in word] == titles
    assert words.count("<b>1.990 ± 0.250</b>") == 8
    assert words.count("3") == 8
    assert words.count("4") == 0


def test_rows_that_were_chosen_before_are_drawn_with_the_ranks_they_have(sd_fid: SearchSpace) -> None:
    chosen = scores(sd_fid)
    chosen = chosen[chosen["rank"].isin([1, 6])]
    words = texts(module_diagrams_figure(chosen, sd_fid, label_kind="measured", top=5))
    assert words.count("6") == sum(unit.count() >= 6 for unit in sd_fid.ranking_units)
    assert words.count("2") == 0


def test_target_and_method_of_modules_are_chosen_from_a_list(sd_fid: SearchSpace) -> None:
    table = scores(sd_fid, (("fid", "constrained"), ("fid", "unconstrained")))
    (menu,) = module_diagrams_figure(table, sd_fid, label_kind="measured").layout.updatemenus
    assert [button.label for button in menu.buttons] == ["fid · AutoBuild Constrained", "fid · AutoBuild Unconstrained"]
    alone = module_diagrams_figure(scores(sd_fid), sd_fid, label_kind="measured")
    assert not alone.layout.updatemenus
    assert "fid · AutoBuild Constrained" in alone.layout.title.text


def test_letters_tell_operations_apart() -> None:
    assert operation_letters(OPERATIONS) == dict(zip(OPERATIONS, "RADU", strict=True))
    assert operation_letters(["conv", "concat", "pool"])["pool"] == "P"
    assert len(operation_letters(["attention", "average"])["average"]) == 2


@pytest.mark.parametrize("kind", ["surrogate", "measured"])
def test_titles_say_what_the_labels_are(kind: str, sd_fid: SearchSpace) -> None:
    for rows in (slice(None), slice(0)):
        figures = [
            architecture_diagrams_figure(built(sd_fid).iloc[rows], sd_fid, metrics=METRICS, label_kind=kind),
            module_diagrams_figure(scores(sd_fid).iloc[rows], sd_fid, label_kind=kind),
        ]
        for figure in figures:
            assert f"{kind} labels" in figure.layout.title.text
            assert sd_fid.declaration.title in figure.layout.title.text


def test_an_empty_table_gives_a_figure_that_says_so(sd_fid: SearchSpace) -> None:
    for figure in (
        architecture_diagrams_figure(built(sd_fid).iloc[:0], sd_fid, metrics=METRICS, label_kind="measured"),
        module_diagrams_figure(scores(sd_fid).iloc[:0], sd_fid, label_kind="measured"),
    ):
        assert len(figure.data) == 0
        assert "empty" in figure.layout.annotations[0].text
