"""`everlog rebuild`: rebuild read models from Kafka beside the live ones, and swap them in."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from chassis.errands import noted
from chassis.errands import rebuild as rebuild_beside
from chassis.errors import EverlogError
from embedded.errors import Trouble
from everlog.home import Home
from everlog.operating import chosen, connected, manifest_of, operator
from everlog.output import Json, Report, reporting
from everlog.status import current_home


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A read model that was rebuilt."""

    service: str
    read_model: str
    generation: int
    seconds: float


def rebuild(
    read_model: Annotated[str, typer.Argument(help="SERVICE/READ_MODEL, or SERVICE.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every read model.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Always so: the command waits.")] = True,
    json: Json = False,
) -> None:
    """Rebuild read models from Kafka. Readers see the old one until the new one is complete."""
    with reporting(json) as report:
        if everything == bool(read_model) or not wait:
            raise Trouble("Name a read model, or say --all.", "For example: pipeline/deal_board")
        wanted = _wanted(read_model)
        done = asyncio.run(_rebuild_all(current_home(os.environ), wanted, report))
        lines = [f"{r.service}/{r.read_model}: generation {r.generation}" for r in done]
        report.show([asdict(each) for each in done], *lines)


def _wanted(read_model: str) -> list[tuple[str, str]]:
    service, _, name = read_model.partition("/")
    found = [
        (each, projection.name)
        for each in chosen(service or None)
        for projection in manifest_of(each).projections
    ]
    kept = [(each, projection) for each, projection in found if name in ("", projection)]
    if not kept:
        known = ", ".join(f"{each}/{projection}" for each, projection in found)
        raise Trouble(f"There is no read model {read_model}.", f"There are: {known}.")
    return kept


async def _rebuild_all(home: Home, wanted: list[tuple[str, str]], report: Report) -> list[Rebuilt]:
    done = []
    for service, name in wanted:
        begin = time.monotonic()
        with report.progress(f"Rebuilding {service}/{name}") as told:
            async with connected(home, service) as running:
                try:
                    async with noted(running, "rebuild", name, operator()) as errand:
                        generation = await rebuild_beside(running, name, errand, told)
                except EverlogError as error:
                    raise Trouble(
                        f"{service}/{name} could not be rebuilt; the live one is untouched.",
                        "",
                        str(error),
                    ) from error
        done.append(Rebuilt(service, name, generation, round(time.monotonic() - begin, 2)))
        report.say(f"  {service}/{name} in {done[-1].seconds} s")
    return done
