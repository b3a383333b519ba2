"""`everlog parked`: see what could not be applied, try it again, or leave an event out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from chassis.errands import Kind, ask, parked
from chassis.errors import DomainError
from chassis.parked import ParkedStream
from chassis.service import Service
from embedded.errors import Trouble
from everlog.home import Home
from everlog.operating import chosen, connected, operator
from everlog.output import Json, reporting
from everlog.status import current_home

app = typer.Typer(
    help="See what could not be applied, try it again, or leave an event out.",
    no_args_is_help=True,
)

ServiceName = Annotated[str, typer.Argument(help="Whose.")]
ReadModel = Annotated[
    str, typer.Argument(help="A read model, reaction:NAME; * or reaction:* for a gap.")
]
Stream = Annotated[str, typer.Argument(help="The record, as `everlog parked list` shows it.")]

_POLL_S = 0.2
_TAKEN_S = 15.0
_DONE_S = 600.0


@app.command("list")
def list_parked(
    service: Annotated[str | None, typer.Option(help="Only this service.")] = None,
    json: Json = False,
) -> None:
    """Show every parked sequence of every workspace, the oldest first."""
    with reporting(json) as report:
        found = asyncio.run(_all(current_home(os.environ), chosen(service)))
        value = [{"service": name, **asdict(each)} for name, each in found]
        report.show(value, _as_table(found) if found else "Nothing is parked.")


@app.command()
def show(service: ServiceName, read_model: ReadModel, stream: Stream, json: Json = False) -> None:
    """Show why a sequence is parked, and its events as they are stored: sealed parts sealed."""
    with reporting(json) as report:
        shown = asyncio.run(_show(current_home(os.environ), service, read_model, stream))
        text = msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()
        report.show(msgspec.json.decode(text), text)


@app.command()
def retry(service: ServiceName, read_model: ReadModel, stream: Stream, json: Json = False) -> None:
    """Apply what waits, in order, and wait for the result; a reaction's orders are run."""
    _repair("retry", service, read_model, stream, json)


@app.command()
def skip(service: ServiceName, read_model: ReadModel, stream: Stream, json: Json = False) -> None:
    """Leave out the first event for good, apply the rest, and wait for the result."""
    _repair("skip", service, read_model, stream, json)


def _repair(kind: Kind, service: str, read_model: str, stream: str, json: bool) -> None:
    with reporting(json) as report:
        home = current_home(os.environ)
        with report.waiting(f"Waiting for a worker of {service}"):
            done = asyncio.run(_ask_and_wait(home, kind, service, read_model, stream))
        report.show(done, done["result"])
    if done["status"] != "done":
        raise typer.Exit(1)


async def _all(home: Home, names: list[str]) -> list[tuple[str, ParkedStream]]:
    found = []
    for name in names:
        async with connected(home, name) as service:
            found += [(name, each) for each in await parked(service).streams()]
    return sorted(found, key=lambda each: each[1].parked_at)


async def _show(home: Home, name: str, read_model: str, stream: str) -> dict[str, Any]:
    async with connected(home, name) as service:
        place = await _place(service, read_model, stream)
        try:
            return await parked(service).show(read_model, place.workspace_id, stream)
        except DomainError as error:
            raise Trouble(error.detail) from error


async def _place(service: Service, read_model: str, stream: str) -> ParkedStream:
    """The parked sequence, whatever its workspace. Raises Trouble if there is none."""
    for each in await parked(service).streams():
        if (each.projection, each.stream) == (read_model, stream):
            return each
    raise Trouble(
        f"{stream} is not parked in {read_model} of {service.manifest.service}.",
        "See: everlog parked list",
    )


async def _ask_and_wait(
    home: Home, kind: Kind, name: str, read_model: str, stream: str
) -> dict[str, Any]:
    async with connected(home, name) as service:
        place = await _place(service, read_model, stream)
        arguments = {
            "read_model": read_model,
            "stream": stream,
            "workspace": str(place.workspace_id),
        }
        errand = await ask(service, kind, arguments, operator())
        async for row in _watch(service, errand):
            if row["status"] in ("done", "failed"):
                return {"errand": str(errand), "status": row["status"], "result": row["result"]}
    raise AssertionError("watching ends with the errand, or with Trouble")


async def _watch(service: Service, errand: Any) -> AsyncIterator[Any]:
    """An errand again and again. Raises Trouble if nobody takes it, or it takes for ever."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    while True:
        async with service.work.connection(None) as connection:
            row = await connection.fetchrow(
                "select status, result from road.errands where id = $1", errand
            )
        yield row
        waited = loop.time() - begin
        if row["status"] == "asked" and waited > _TAKEN_S:
            raise Trouble(
                f"No worker of {service.manifest.service} has taken it up within "
                f"{_TAKEN_S:.0f} s; it stays asked for.",
                "Is Everlog up? make status",
            )
        if waited > _DONE_S:
            raise Trouble("It takes longer than ten minutes.", f"Watch errand {errand} under Ops.")
        await asyncio.sleep(_POLL_S)


def _as_table(found: list[tuple[str, ParkedStream]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("service", "read model", "record", "cause"):
        table.add_column(title)
    for title in ("events", "from", "tried", "parked"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, each in found:
        table.add_row(
            name,
            each.projection,
            each.stream,
            each.error or each.cause,
            str(each.events),
            str(each.first_version or ""),
            str(each.attempts),
            f"{each.parked_at:%Y-%m-%d %H:%M}",
        )
    return table
