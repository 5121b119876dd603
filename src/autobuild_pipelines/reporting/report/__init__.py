"""The report of a run: results in, one self-contained HTML page out."""

from autobuild_pipelines.reporting.report.chapter import write_chapter
from autobuild_pipelines.reporting.report.content import Chapter
from autobuild_pipelines.reporting.report.page import render_report
from autobuild_pipelines.reporting.report.record import RunRecord
from autobuild_pipelines.reporting.report.results import SavedResult

__all__ = ["Chapter", "RunRecord", "SavedResult", "render_report", "write_chapter"]
