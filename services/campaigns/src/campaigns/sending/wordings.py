"""The compiled wordings of broadcasts, as their templates stood when the audience was frozen."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakKeyDictionary

from campaigns.domain.broadcast import BROADCAST, Broadcast
from campaigns.domain.template import TEMPLATE, Template, existing
from campaigns.domain.wording import Wording
from chassis.decider import load_state
from chassis.errors import NotFound
from chassis.ports import Context, EventLog
from chassis.service import Service

_KEPT = 64


@dataclass(frozen=True, slots=True)
class Worded:
    """A broadcast that was started, and what it says."""

    broadcast: Broadcast
    wording: Wording


class Wordings:
    """Loads from the log, keeps the last ones; what is frozen never changes."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._kept: OrderedDict[tuple[UUID, UUID], Worded] = OrderedDict()

    async def of(self, context: Context, broadcast_id: UUID) -> Worded:
        """The wording of a broadcast. Raises NotFound unless it was started."""
        place = (context.workspace, broadcast_id)
        kept = self._kept.get(place)
        if kept is None:
            kept = self._kept[place] = await self._load(context, broadcast_id)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(place)
        return kept

    async def _load(self, context: Context, broadcast_id: UUID) -> Worded:
        broadcast, _ = await load_state(self._log, BROADCAST, broadcast_id, context)
        if broadcast is None or broadcast.template_version is None:
            raise NotFound("There is no such broadcast, or it was not started.")
        stream = TEMPLATE.stream(broadcast.template_id)
        loaded = await self._log.load(context, stream)
        then = loaded.events[: broadcast.template_version]
        template: Template | None = TEMPLATE.fold(r.event for r in then)  # type: ignore[misc]
        return Worded(broadcast, existing(template).content.wording())


_OF_SERVICES: WeakKeyDictionary[Service, Wordings] = WeakKeyDictionary()


def wordings_of(service: Service) -> Wordings:
    """The wordings that a service's process keeps."""
    found = _OF_SERVICES.get(service)
    if found is None:
        found = _OF_SERVICES[service] = Wordings(service.log)
    return found
