"""Campaign messages: how many were sent, and how many of these were opened and clicked by people?

One row per message: its sending, its first opening and its first click by a human being. Opening
and clicking count for the day the message was sent, so that a rate compares like with like; they
have times and events of their own, so that both time axes hold for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, DateTime, Index, Uuid, literal_column

from analytics.fact import About, Fact, Times, columns_of_times, times_of
from analytics.received import LinkClicked, MessageOpened, MessageSent
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

CAMPAIGN_MESSAGES = read_table(
    "campaign_messages",
    Column("message_id", Uuid),
    *columns_of_times(),
    Column("broadcast_id", Uuid),
    Column("person_id", Uuid),
    Column("opened_event_id", Uuid),
    Column("opened_at", DateTime(timezone=True)),
    Column("opened_recorded_at", DateTime(timezone=True)),
    Column("clicked_event_id", Uuid),
    Column("clicked_at", DateTime(timezone=True)),
    Column("clicked_recorded_at", DateTime(timezone=True)),
    Index("campaign_messages_day", "workspace_id", "day"),
    Index("campaign_messages_sent", "workspace_id", "occurred_at", "event_id"),
    Index("campaign_messages_opened", "workspace_id", "opened_at", "opened_event_id"),
    Index("campaign_messages_clicked", "workspace_id", "clicked_at", "clicked_event_id"),
    key=("message_id",),
)


def _message_fact(name: str, title: str, measure: str, times: Times) -> Fact:
    c = CAMPAIGN_MESSAGES.c
    return Fact(
        name=name,
        title=title,
        table=CAMPAIGN_MESSAGES,
        about=About("campaigns", "message", "message_id"),
        measures={measure: literal_column("1")},
        dimensions=("broadcast_id",),
        times=times,
        person="person_id",
        is_there=c.event_id.is_not(None) & c[times.event_id].is_not(None),
    )


MESSAGE_SENT = _message_fact("message_sent", "A campaign message was sent", "sent", Times())
MESSAGE_OPENED = _message_fact(
    "message_opened",
    "A campaign message was opened by its reader for the first time (by the day it was sent)",
    "opened",
    Times("opened_event_id", "opened_at", "opened_recorded_at"),
)
MESSAGE_CLICKED = _message_fact(
    "message_clicked",
    "A link of a campaign message was followed by its reader for the first time "
    "(by the day it was sent)",
    "clicked",
    Times("clicked_event_id", "clicked_at", "clicked_recorded_at"),
)


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event; what machines open and click is no fact about readers."""
    match recorded.event:
        case MessageSent() as e:
            sent = {
                **times_of(recorded),
                "broadcast_id": e.broadcast_id,
                "person_id": e.person_id,
            }
            yield Put(CAMPAIGN_MESSAGES, (e.message_id,), sent)
        case MessageOpened() as e if e.first and not e.machine:
            yield Put(CAMPAIGN_MESSAGES, (e.message_id,), _first(recorded, "opened"))
        case LinkClicked() as e if e.first and not e.machine:
            yield Put(CAMPAIGN_MESSAGES, (e.message_id,), _first(recorded, "clicked"))


def _first(recorded: Recorded[Any], what: str) -> dict[str, Any]:
    return {
        f"{what}_event_id": recorded.id,
        f"{what}_at": recorded.occurred_at,
        f"{what}_recorded_at": recorded.recorded_at,
    }


PROJECTION = Projection(
    "campaign_message",
    1,
    (MessageSent, MessageOpened, LinkClicked),
    (CAMPAIGN_MESSAGES,),
    project,
)
