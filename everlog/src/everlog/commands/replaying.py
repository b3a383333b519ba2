"""`everlog replay`: ask the whole log with SQL, or fold a projection of one's own over it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from embedded.errors import Trouble
from everlog.commands.exporting import ByTime, Clear, Service, Since, Stream, Until, Workspace
from everlog.history.selection import By, select
from everlog.manifests import all_manifests
from everlog.output import Json, Report, reporting
from everlog.status import current_home

if TYPE_CHECKING:
    from everlog.replay.answers import Rows
    from everlog.replay.running import Replay

_HOW = "For example: everlog replay --sql 'select type, count(*) from events group by type'"


def replay(  # noqa: PLR0913 - the options
    sql: Annotated[
        str | None, typer.Option(help="A query over events, pipeline_deal_won …")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file with such a query.")] = None,
    projection: Annotated[
        str | None, typer.Option(help="FILE.py with a projection, or SERVICE/READ_MODEL.")
    ] = None,
    against: Annotated[str | None, typer.Option(help="Another one: show what differs.")] = None,
    service: Service = None,
    stream: Stream = None,
    workspace: Workspace = None,
    since: Since = None,
    until: Until = None,
    by: ByTime = By.RECORDED,
    as_of: Annotated[
        str | None, typer.Option(help="Only what had happened by this day, or moment.")
    ] = None,
    clear: Clear = False,
    format_: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    output: Annotated[
        Path | None, typer.Option(help="FILE.csv, .json or .parquet, or a folder.")
    ] = None,
    json: Json = False,
) -> None:
    """Ask the whole log with SQL, or fold a projection over it. Nothing is changed by it."""
    with reporting(json) as report:
        from everlog.replay.running import Replay

        _check(sql, file, projection, against)
        if projection is None and any((stream, workspace, since, until, as_of)):
            raise Trouble(
                "--stream, --workspace, --since, --until and --as-of are for projections.",
                "In SQL say it with WHERE: stream, workspace, occurred_at, recorded_at.",
            )
        manifests = {manifest.service: manifest for manifest in all_manifests()}
        selection = select(
            manifests,
            services=service or (),
            streams=stream or (),
            workspaces=workspace or (),
            since=since,
            until=until,
            by=by,
            as_of=as_of,
        )
        home = current_home(os.environ)
        asked = Replay(home, manifests, selection, clear, report, output)
        tables = _answer(asked, sql or _read(file), projection, against)
        _give(tables, output, "json" if json else format_, report)


def _check(sql: str | None, file: Path | None, projection: str | None, against: str | None) -> None:
    if sum(each is not None for each in (sql, file, projection)) != 1:
        raise Trouble("Say one of --sql, --file and --projection.", _HOW)
    if against is not None and projection is None:
        raise Trouble("--against needs a --projection to compare with.", _HOW)


def _read(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text()
    except OSError as error:
        raise Trouble(f"{file} cannot be read.", "Name a file with SQL.", str(error)) from error


def _answer(asked: Replay, sql: str, projection: str | None, against: str | None) -> list[Rows]:
    from everlog.replay.loading import load

    if projection is None:
        return asked.query(sql)
    first = load(projection, asked.manifests)
    if against is None:
        return asked.fold(first)
    rows, counts = asked.compare(first, load(against, asked.manifests))
    told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    asked.report.say(f"Rows: {told}.")
    return [rows]


def _give(tables: list[Rows], output: Path | None, how: str, report: Report) -> None:
    from everlog.replay.answers import Shown, save, show

    if how not in tuple(Shown):
        raise Trouble(f"There is no format {how!r}.", "There are table, csv and json.")
    if output is None:
        show(tables, Shown(how), report)
        return
    counts = save(tables, output)
    lines = [f"{output}: {count:,} rows of {name}" for name, count in counts.items()]
    report.show({"path": str(output), "rows": counts}, *lines)
