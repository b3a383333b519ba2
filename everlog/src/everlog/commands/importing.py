"""`everlog import`: bring files of another system into a workspace, through the public API."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from json import dumps
from json import loads as parsed
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.status import Status
from rich.table import Table

from embedded.errors import Trouble
from everlog.api import administering
from everlog.datasets import ORDER, Load, loads_of
from everlog.output import Json, Report, reporting
from everlog.status import current_home

_COUNTS = ("rows", "created", "updated", "skipped", "failed")


def import_files(
    paths: Annotated[
        list[Path], typer.Argument(help="Files (CSV, XLSX, vCard), or folders of them.")
    ],
    type_: Annotated[str | None, typer.Option("--type", help=f"One of {', '.join(ORDER)}.")] = None,
    mapping: Annotated[str, typer.Option(help="`auto`, or JSON: column → field.")] = "auto",
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="E.g. currency=GBP; repeat it for more."),
    ] = None,
    options: Annotated[str, typer.Option(help="The same as JSON, for those with parts.")] = "{}",
    dry_run: Annotated[bool, typer.Option(help="Only check; nothing is written.")] = False,
    json: Json = False,
) -> None:
    """Import files. What each holds is told by its columns; again: no doubles."""
    with reporting(json) as report:
        chosen = options_of(options, option or [])
        missing = [str(path) for path in paths if not path.exists()]
        if missing:
            raise Trouble(f"There is no {', '.join(missing)}.", "Name files or folders.")
        loads = [Load(load.path, type_ or load.type) for load in loads_of(paths)]
        unknown = [load.path.name for load in loads if load.type is None]
        if unknown or not loads:
            raise Trouble(
                f"What is in {', '.join(unknown) or 'these folders'} cannot be told.",
                f"Say it with --type, one of {', '.join(ORDER)}.",
            )
        fields = {"mapping": mapping, "options": dumps(chosen), "dry_run": str(dry_run).lower()}
        jobs = asyncio.run(_import_all(loads, fields, report))
        report.show(jobs, *_as_text(jobs))
    if any(job["status"] == "failed" for job in jobs):
        raise typer.Exit(1)


def options_of(text: str, pairs: Sequence[str]) -> dict[str, Any]:
    """What --options and each --option say together; the latter count. Raises Trouble."""
    try:
        chosen = parsed(text)
    except ValueError:
        chosen = None
    if not isinstance(chosen, dict):
        raise Trouble(f"--options {text} is no JSON object.", "Or: --option NAME=VALUE, for each.")
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name.strip() and equals):
            raise Trouble(f"--option {pair} has no value.", "Write it like --option currency=GBP.")
        chosen[name.strip()] = value.strip()
    return chosen


async def _import_all(
    loads: list[Load], fields: dict[str, str], report: Report
) -> list[dict[str, Any]]:
    jobs = []
    async with administering(current_home(os.environ)) as api:
        for load in loads:
            name = load.path.name
            with report.waiting(f"Importing {name}") as status:
                sent = {**fields, "type": str(load.type)}
                show = partial(_show, status, name)
                job = await api.import_file(load.path.read_bytes(), name, sent, show)
            jobs.append({**job, "file": str(load.path)})
            if job["status"] == "failed":
                break
    return jobs


def _show(status: Status, name: str, job: dict[str, Any]) -> None:
    status.update(f"Importing {name}: {job.get('position', 0)} of {job['rows']} rows")


def _as_text(jobs: list[dict[str, Any]]) -> list[Table | str]:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file")
    table.add_column("type")
    for count in _COUNTS:
        table.add_column(count, justify="right")
    for job in jobs:
        table.add_row(Path(job["file"]).name, job["type"], *(str(job[name]) for name in _COUNTS))
    lines: list[Table | str] = [table]
    for job in jobs:
        if job["error"]:
            lines.append(f"[bold red]{Path(job['file']).name}: {job['error']}[/]")
        for note, count in sorted(job["notes"].items(), key=lambda item: -item[1]):
            lines.append(f"  {count} × {note}")
        if job.get("errors_url"):
            lines.append(f"  the rows that failed: {job['errors_url']}")
    return lines
