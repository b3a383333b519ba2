"""Given past events, when a command comes, then these events follow, or it is refused.

given(DEAL, opened, won).when(MoveDeal("offer", at=NOON)).then_refused(Conflict)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from chassis.decider import Decider
from chassis.errors import DomainError
from chassis.events import Event

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E", bound=Event)


class When(Generic[E]):
    """A command that was given to a decider; the decision is still open."""

    def __init__(self, run: Callable[[], list[E]]) -> None:
        self._run = run

    def then(self, *events: E) -> None:
        """Exactly these events follow."""
        assert self._run() == list(events)

    def then_nothing(self) -> None:
        """The command is accepted and changes nothing."""
        assert self._run() == []

    def then_refused(self, error: type[DomainError], saying: str = "") -> None:
        """It is refused so, and the reason mentions `saying`."""
        try:
            events = self._run()
        except error as refusal:
            if saying in refusal.detail:
                return
            raise
        raise AssertionError(f"not refused: {events}")


class Given(Generic[C, S, E]):
    """An aggregate with a past."""

    def __init__(self, decider: Decider[C, S, E], past: tuple[E, ...]) -> None:
        self._decider = decider
        self._past = past

    def when(self, command: C) -> When[E]:
        """Hand it a command."""
        state = self._decider.fold(self._past)
        return When(lambda: self._decider.decide(command, state))

    def state(self) -> S:
        """The state after the past."""
        return self._decider.fold(self._past)


def given(decider: Decider[C, S, E], *past: E) -> Given[C, S, E]:
    """An aggregate to which this has happened; nothing: a new one."""
    return Given(decider, past)
