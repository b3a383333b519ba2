"""The view with which the list of contacts opens for somebody. One stream for each user. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.decider import Decider
from chassis.events import Event


class DefaultViewChosen(Event, frozen=True, tag="contacts.default-view-chosen.v1"):
    """The list opens with this view from now on; null: with everybody."""

    user_id: UUID
    view_id: UUID | None


@dataclass(frozen=True, slots=True)
class ChooseDefaultView:
    user_id: UUID
    view_id: UUID | None
    at: datetime


def decide(command: ChooseDefaultView, view_id: UUID | None) -> list[DefaultViewChosen]:
    """It is chosen, unless it is so already."""
    if command.view_id == view_id:
        return []
    return [DefaultViewChosen(command.user_id, command.view_id, occurred_at=command.at)]


def evolve(_: UUID | None, event: DefaultViewChosen) -> UUID | None:
    """The view after an event."""
    return event.view_id


DEFAULT_VIEW: Decider[ChooseDefaultView, UUID | None, DefaultViewChosen] = Decider(
    "default_view", None, decide, evolve, (DefaultViewChosen,)
)
