"""Which events are meant: services, types, streams, workspaces, and a span of time. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis.events import Stored, category_of, service_of, wire_name
from chassis.manifest import Manifest
from embedded.errors import Trouble
from everlog.history import times


class By(StrEnum):
    """Which of the two times counts: when things happened, or when they were written down."""

    OCCURRED = "occurred"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Selection:
    """Everything that is named has to fit; what is not named does not matter.

    `since` ≤ time < `until`, by the time `by` names. `as_of`: and had happened before that.
    """

    services: tuple[str, ...]
    types: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    workspaces: tuple[UUID, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    by: By = By.RECORDED
    as_of: datetime | None = None

    @property
    def time_column(self) -> str:
        """The column that `since` and `until` are about."""
        return f"{self.by}_at"

    def takes(self, stored: Stored) -> bool:
        """Whether an event is meant; its service is looked at by whoever chooses the topic."""
        at = stored.occurred_at if self.by is By.OCCURRED else stored.recorded_at
        return (
            (not self.types or stored.type in self.types)
            and (not self.streams or stored.stream in self.streams)
            and (not self.workspaces or stored.workspace in self.workspaces)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
            and (self.as_of is None or stored.occurred_at < self.as_of)
        )

    def conditions(self) -> tuple[list[str], list[Any]]:
        """The same as SQL over log.events `e`, with its values, for psycopg2."""
        found: list[tuple[str, Any]] = []
        if self.types:
            found.append(("e.type = any(%s)", list(self.types)))
        if self.streams:
            found.append(("e.stream = any(%s)", list(self.streams)))
        if self.workspaces:
            found.append(("e.workspace_id = any(%s::uuid[])", [str(w) for w in self.workspaces]))
        if self.since is not None:
            found.append((f"e.{self.time_column} >= %s", self.since))
        if self.until is not None:
            found.append((f"e.{self.time_column} < %s", self.until))
        if self.as_of is not None:
            found.append(("e.occurred_at < %s", self.as_of))
        return [condition for condition, _ in found], [value for _, value in found]

    def told(self) -> dict[str, Any]:
        """What was asked for, for people and for the register; only what was named."""
        named = {
            "services": self.services,
            "types": self.types,
            "streams": self.streams,
            "workspaces": [str(workspace) for workspace in self.workspaces],
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "by": str(self.by) if self.since or self.until else None,
            "as_of": self.as_of and self.as_of.isoformat(),
        }
        return {name: value for name, value in named.items() if value}


def select(  # noqa: PLR0913 - one for each option
    manifests: Mapping[str, Manifest],
    *,
    services: Sequence[str] = (),
    types: Sequence[str] = (),
    streams: Sequence[str] = (),
    workspaces: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    by: By = By.RECORDED,
    as_of: str | None = None,
) -> Selection:
    """What the options of a command mean. Raises Trouble if one of them means nothing."""
    _known(services, tuple(manifests), "service")
    published = {wire_name(event): name for name, m in manifests.items() for event in m.published()}
    old = {
        upcaster.old: name
        for name, m in manifests.items()
        for upcaster in m.upcasters
        if service_of(upcaster.old) == name
    }
    _known(types, tuple(published | old), "event type")
    meant = set(services or manifests)
    if types:
        meant &= {(published | old)[type_] for type_ in types}
    if streams:
        meant &= {_owner(manifests, stream) for stream in streams}
    if not meant:
        raise Trouble("No service has what you ask for.", "Leave out --service, or name its own.")
    return Selection(
        tuple(name for name in manifests if name in meant),
        tuple(types),
        tuple(streams),
        tuple(_workspace(workspace) for workspace in workspaces),
        times.beginning(since) if since else None,
        times.end(until) if until else None,
        by,
        times.end(as_of) if as_of else None,
    )


def _known(given: Sequence[str], known: Sequence[str], what: str) -> None:
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            listed = ", ".join(close or (known if len(known) < 10 else ()))
            advice = f"Do you mean {listed}?" if listed else "The contracts have all of them."
            raise Trouble(f"There is no {what} {name!r}.", advice)


def _owner(manifests: Mapping[str, Manifest], stream: str) -> str:
    category = category_of(stream)
    for name, manifest in manifests.items():
        if category in {decider.category for decider in manifest.deciders}:
            return name
    raise Trouble(
        f"{stream!r} is no stream of any service.",
        "A stream is a kind of record and its id, for example deal-01920000-….",
    )


def _workspace(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Trouble(
            f"{text!r} is no workspace's id.", "GET /api/v1/workspace has the id of yours."
        ) from error
