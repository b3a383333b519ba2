"""`everlog verify`: prove that nothing was lost or changed, and that read models tell the log."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated, Any

import typer
from rich.markup import escape

from chassis.errands import rebuilding
from chassis.errors import EverlogError
from chassis.manifest import Check
from chassis.service import Service
from chassis.verify import check_log
from everlog.home import Home
from everlog.operating import chosen, connected
from everlog.output import Json, Report, reporting
from everlog.status import current_home


def verify(
    service: Annotated[str | None, typer.Option(help="Only this service.")] = None,
    json: Json = False,
) -> None:
    """Check the hash chains, store against Kafka, and read models against a fold of the log."""
    with reporting(json) as report:
        home = current_home(os.environ)
        results = asyncio.run(_verify_all(home, chosen(service), report))
        report.show(results, *(_as_text(each) for each in results))
    if not all(each["verified"] for each in results):
        raise typer.Exit(1)


async def _verify_all(home: Home, names: list[str], report: Report) -> list[dict[str, Any]]:
    results = []
    for name in names:
        async with connected(home, name) as service:
            with report.waiting(f"Verifying {name}"):
                results.append(await _verify(service))
    return results


async def _verify(service: Service) -> dict[str, Any]:
    check, checks = await check_log(service), service.manifest.checks
    read_models = [
        await _compare(service, projection.name) for projection in service.manifest.projections
    ]
    promises = [{"name": each.__name__, "wrong": await _asked(service, each)} for each in checks]
    return {
        "service": service.manifest.service,
        "verified": not check.wrong
        and all(model["equal"] for model in read_models)
        and not any(promise["wrong"] for promise in promises),
        "events": check.events,
        "streams": check.streams,
        "on_kafka": check.on_kafka,
        "waiting": check.waiting,
        "wrong": check.wrong,
        "read_models": read_models,
        "checks": promises,
    }


async def _asked(service: Service, check: Check) -> list[str]:
    async with service.work.connection(None) as connection:
        return await check(connection)


async def _compare(service: Service, name: str) -> dict[str, Any]:
    try:
        tables = await rebuilding(service, name).compare()
    except EverlogError as error:
        return {"name": name, "equal": False, "error": str(error), "tables": []}
    return {
        "name": name,
        "equal": all(table.equal for table in tables),
        "tables": [
            {
                "table": table.table,
                "rows": table.live_rows,
                "fold_rows": table.fold_rows,
                "digest": table.live_digest,
                "fold_digest": table.fold_digest,
            }
            for table in tables
        ],
    }


def _as_text(result: dict[str, Any]) -> str:
    mark = "[green]verified[/]" if result["verified"] else "[bold red]NOT VERIFIED[/]"
    lines = [
        f"{result['service']}: {mark}  {result['events']} events in {result['streams']} streams, "
        f"{result['on_kafka']} on Kafka, {result['waiting']} on their way"
    ]
    lines += [f"  [red]{wrong}[/]" for wrong in result["wrong"]]
    for model in result["read_models"]:
        rows = sum(table["rows"] for table in model["tables"])
        told = f"{rows} rows" if model["equal"] else f"[red]differs {model.get('error', '')}[/]"
        lines.append(f"  {model['name']}: {told}")
    for promise in result["checks"]:
        told = promise["name"].replace("_", " ")
        lines.append(f"  {told}: {'[red]no[/]' if promise['wrong'] else 'yes'}")
        lines += [f"    [red]{escape(wrong)}[/]" for wrong in promise["wrong"]]
    return "\n".join(lines)
