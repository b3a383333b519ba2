"""`everlog restore`: a whole platform from a backup, or one event store from Kafka."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from chassis.backup.from_kafka import Refilled
from embedded.errors import Trouble
from everlog.output import Json, Report, reporting
from everlog.restoring import Restored, restore_all, restore_store
from everlog.services import SERVICES
from everlog.status import current_home


def restore(
    what: Annotated[str, typer.Argument(help="A backup's file; with --from-kafka a service.")],
    from_kafka: Annotated[
        bool, typer.Option("--from-kafka", help="Fill a lost event store from its topic.")
    ] = False,
    rest: Annotated[
        Path | None,
        typer.Option(
            "--rest",
            help="With --from-kafka: a backup that holds what no event tells, passwords above all.",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let what is there go; else it is refused.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring back everything from a backup, or one service's lost event store from Kafka."""
    with reporting(json) as report:
        home = current_home(os.environ)
        if rest is not None and not from_kafka:
            raise Trouble(
                "A backup is restored as a whole, or completes a store that Kafka fills.",
                f"everlog restore {what}, or: everlog restore SERVICE --from-kafka --rest {rest}",
            )
        if from_kafka:
            done, refilled = restore_store(home, what, rest, replace=replace, report=report)
            value = {**asdict(done), "store": asdict(refilled)}
        elif what in SERVICES:
            raise Trouble(f"From where is {what} to come?", f"everlog restore {what} --from-kafka")
        else:
            done = restore_all(home, Path(what), replace=replace, report=report)
            value = asdict(done)
        report.show(value, *_lines(done))
        if from_kafka:
            _say_what_is_lost(report, what, refilled, rest)


def _lines(done: Restored) -> list[str]:
    lines = [f"Restored from {done.source} in {done.seconds} s"]
    for name, events in done.events.items():
        lines.append(f"  {name}: {events} events, {len(done.read_models[name])} read models")
    if done.erased_since:
        lines.append(
            f"{len(done.erased_since)} persons were erased after the backup. Their data stays "
            "unreadable; erase them once more, so that the log says so (--json names them)."
        )
    lines.append("Prove it: everlog verify")
    return lines


def _say_what_is_lost(report: Report, service: str, refilled: Refilled, rest: Path | None) -> None:
    if rest is not None:
        report.say(f"{refilled.rest} rows that no event tells are those of {rest.name}.")
        report.say("Idempotency keys of requests are gone.")
    else:
        report.say(
            "Idempotency keys of requests and imports under way were not on Kafka: they are gone."
        )
        if service == "identity":
            report.say("So are passwords, sessions and API tokens: see docs/runbook.md.")
    if not refilled.reacted_known:
        report.say("Nobody knew how far reactions had come: all events count as reacted to.")
