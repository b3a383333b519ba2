"""Runs orders of reactions and of due work: commands with an inbox key, reminders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chassis.decider import handle
from chassis.ports import Context, EventLog
from chassis.reaction import Ask, Later, NoLonger, Order


class Reminders(Protocol):
    """Where work waits for its time."""

    async def later(self, workspace: UUID, order: Later) -> None: ...

    async def no_longer(self, workspace: UUID, order: NoLonger) -> None: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """What led to the orders: `inbox` makes their keys, so that a repetition has no effect."""

    workspace: UUID
    actor: str
    correlation_id: UUID
    causation_id: UUID | None
    inbox: str


async def run_orders(
    log: EventLog, reminders: Reminders, origin: Origin, orders: Iterable[Order]
) -> None:
    """Carry them out one after the other. Raises what a command raises."""
    for number, order in enumerate(orders):
        match order:
            case Ask():
                context = Context(
                    origin.workspace,
                    origin.actor,
                    origin.correlation_id,
                    origin.causation_id,
                    key=f"{origin.inbox}:{number}",
                )
                await handle(log, order.decider, order.id, order.command, context)
            case Later():
                await reminders.later(origin.workspace, order)
            case NoLonger():
                await reminders.no_longer(origin.workspace, order)
