"""`kedro new-space` keeps the files of earlier drafts, and leaves none where it refuses a table."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autobuild_pipelines.cli import cli

TABLE = "units,acc,latency_ms\n" + "".join(
    f"e{first}_k{kernel} | e{second}_k3,0.{first}{second}{kernel},{first + second + kernel}\n"
    for first in (1, 4, 6)
    for second in (1, 4, 6)
    for kernel in (3, 5)
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project that declares no space yet, in which one stands."""
    (tmp_path / "conf" / "local").mkdir(parents=True)
    monkeypatch.setattr("autobuild_pipelines.config.project_root", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new_space(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["new-space", *arguments])


def test_a_broken_table_is_refused_in_one_line_and_nothing_is_written(project: Path) -> None:
    (project / "mine.csv").write_text("units,acc\ne4_k3 | e1_k3,0.7\ne4_k3,0.6\n")
    done = new_space("mine.csv")
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)  # click said it, no traceback
    (line,) = done.stderr.splitlines()
    assert "mine.csv row 2" in line
    assert not list((project / "conf" / "local").iterdir())


def test_an_earlier_draft_is_kept_unless_told_otherwise(project: Path) -> None:
    (project / "mine.csv").write_text(TABLE)
    assert new_space("mine.csv").exit_code == 0
    written = project / "conf" / "local" / "parameters" / "mine.yml"
    written.write_text(written.read_text() + "# mine\n")
    refused = new_space("mine.csv")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert written.read_text().endswith("# mine\n")
    assert new_space("mine.csv", "--force").exit_code == 0
    assert not written.read_text().endswith("# mine\n")
