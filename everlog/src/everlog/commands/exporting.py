"""`everlog export`: take events out of the log, and see who has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from everlog.history.selection import By, select
from everlog.manifests import all_manifests
from everlog.output import Json, Report, reporting
from everlog.status import current_home

if TYPE_CHECKING:
    from everlog.history.exporting import Exported

export = typer.Typer(help="Take events out of the log, and see who has.", no_args_is_help=True)

Service = Annotated[list[str] | None, typer.Option("--service", help="Only of this; again: more.")]
Type = Annotated[list[str] | None, typer.Option("--type", help="Wire name; again: more.")]
Stream = Annotated[list[str] | None, typer.Option("--stream", help="e.g. deal-01…; again: more.")]
Workspace = Annotated[list[str] | None, typer.Option("--workspace", help="Id; else all of them.")]
Since = Annotated[str | None, typer.Option(help="From this day, or moment, on.")]
Until = Annotated[str | None, typer.Option(help="Up to this day (all of it), or moment.")]
ByTime = Annotated[By, typer.Option("--by", help="What --since and --until are about.")]
Clear = Annotated[
    bool, typer.Option("--clear/--sealed", help="Open fields about persons, or leave them out.")
]


@export.command()
def events(  # noqa: PLR0913 - the options
    path: Annotated[str, typer.Argument(help="A file; a folder (ends with /): one per service.")],
    format_: Annotated[
        str | None, typer.Option("--format", help="parquet or jsonl; else by the ending of PATH.")
    ] = None,
    service: Service = None,
    type_: Type = None,
    stream: Stream = None,
    workspace: Workspace = None,
    since: Since = None,
    until: Until = None,
    by: ByTime = By.RECORDED,
    clear: Clear = False,
    from_kafka: Annotated[bool, typer.Option(help="Read Kafka, not the event stores.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace what is there.")] = False,
    json: Json = False,
) -> None:
    """Write events to Parquet or JSON lines: one row an event, envelope and body."""
    with reporting(json) as report:
        from everlog.history import exporting
        from everlog.history.writing import format_named, target_of

        manifests = {manifest.service: manifest for manifest in all_manifests()}
        selection = select(
            manifests,
            services=service or (),
            types=type_ or (),
            streams=stream or (),
            workspaces=workspace or (),
            since=since,
            until=until,
            by=by,
        )
        target = target_of(path, format_named(format_), overwrite=overwrite)
        asked = exporting.Export(selection, target, clear, from_kafka)
        done = exporting.export(current_home(os.environ), asked, manifests, report)
        _show(done, report)


def _show(done: Exported, report: Report) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("service")
    table.add_column("events", justify="right")
    for service, count in done.events.items():
        table.add_row(service, f"{count:,}")
    rate = done.total / done.seconds if done.seconds else 0
    line = f"{done.path}: {done.total:,} events, {done.bytes / 1e6:,.1f} MB, {rate:,.0f} a second"
    report.show(done.told(), table, escape(line), escape(done.told()["note"]))


@export.command("list")
def list_exports(
    most: Annotated[int, typer.Option("-n", help="The latest of them.")] = 20, json: Json = False
) -> None:
    """Show the register: who exported or replayed what, when, and in clear text or not."""
    with reporting(json) as report:
        from everlog.history.register import entries

        found = entries(current_home(os.environ))[-most:]
        report.show(found, *(escape(_line(entry)) for entry in found))


def _line(entry: dict[str, Any]) -> str:
    asked = entry.get("selection", {})
    named = "; ".join(f"{name} {_listed(value)}" for name, value in asked.items())
    personal = "CLEAR TEXT" if entry.get("clear") else "sealed left out"
    many = f"{entry['events']:,} events" if "events" in entry else "? events"
    to = entry.get("path") or entry.get("query") or ""
    parts = (entry["at"][:19], entry["by"], entry["what"], entry["status"], many, personal, named)
    return "  ".join([*(part for part in parts if part), to])


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
