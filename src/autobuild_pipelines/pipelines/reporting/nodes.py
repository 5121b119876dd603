"""Nodes of `reporting`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autobuild_pipelines.reporting.report import Chapter, RunRecord, SavedResult, render_report, write_chapter
from autobuild_pipelines.spaces import SearchSpace

SETTING = "setting_"
"""What begins the names of parameters among a node's inputs."""


def write_space_chapter(
    search_space: SearchSpace, further_results: Mapping[str, SavedResult], **inputs: Any
) -> Chapter:
    """Everything that is known of one space.

    Args:
        search_space: The space.
        further_results: What other pipelines saved.
        inputs: Parameters as `setting_<section>`, and what the job made by the names of the datasets.
    """
    settings = {name.removeprefix(SETTING): value for name, value in inputs.items() if name.startswith(SETTING)}
    made = {name: value for name, value in inputs.items() if not name.startswith(SETTING)}
    return write_chapter(search_space, settings, made, further_results)


def render_chapters(record: RunRecord, *chapters: Chapter) -> str:
    """The page of all spaces."""
    return render_report(chapters, record)
