"""Commands that the project adds to `kedro`."""

from __future__ import annotations

import re
from pathlib import Path

import click


@click.group(name="autobuild_pipelines")
def cli() -> None:
    """Commands of this project."""


@cli.command("new-space")
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="What to call the space; the table's name by default.")
@click.option("--maximise", multiple=True, help="A label that is to be high; may be repeated.")
@click.option("--minimise", multiple=True, help="A label that is to be low; may be repeated.")
@click.option("--label-kind", default="measured", show_default=True, help="What tables and figures call the labels.")
@click.option("--force", is_flag=True, help="Overwrite files of an earlier draft.")
def new_space(
    table: Path, name: str | None, maximise: tuple[str, ...], minimise: tuple[str, ...], label_kind: str, force: bool
) -> None:
    """Declare a space of your own from a TABLE of its architectures.

    Looks at what layers, units and labels there are, and writes two files into conf/local for you to check. The
    suffix tells the format: .csv, .jsonl, .json or .parquet.
    """
    from autobuild_pipelines.config import project_root
    from autobuild_pipelines.drafting import DraftError, draft_space
    from autobuild_pipelines.ingestion import IngestError, read_records
    from autobuild_pipelines.reporting.wording import LABEL_KINDS
    from autobuild_pipelines.spaces import SpaceError

    conf = project_root() / "conf"
    name = name or re.sub(r"\W+", "_", table.name.split(".")[0]).strip("_").lower()
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        raise click.UsageError(f"{name!r} cannot name a space: say --name, letters, digits and _, a letter first")
    if label_kind not in LABEL_KINDS:
        raise click.UsageError(f"--label-kind: expected one of {', '.join(LABEL_KINDS)}, got {label_kind!r}")
    if (conf / "base" / "spaces" / f"{name}.yml").exists():
        raise click.UsageError(f"{name!r} is a space of this project already: say --name")
    files = [conf / "local" / folder / f"{name}.yml" for folder in ("spaces", "parameters")]
    if (there := [file for file in files if file.exists()]) and not force:
        raise click.ClickException(f"{_shown(there[0])} exists; --force overwrites it, --name makes another space")
    try:
        records = read_records(_shown(table.resolve()))
        draft = draft_space(records, name, maximise=maximise, minimise=minimise, label_kind=label_kind)
    except (DraftError, IngestError, SpaceError) as error:
        raise click.ClickException(str(error)) from None
    for file, text in zip(files, (draft.space_yaml, draft.parameters_yaml), strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    click.echo(draft.summary)
    click.echo(f"\nWritten, please check:\n  {_shown(files[0])}\n  {_shown(files[1])}")
    click.echo(f"Then:\n  kedro run --params=space={name}")


def _shown(path: Path) -> str:
    """The path from the project's folder, if it lies there; runs start in that folder."""
    from autobuild_pipelines.config import project_root

    return str(path.relative_to(project_root()) if path.is_relative_to(project_root()) else path)
