"""What was promised: every write that was answered, kept outside of everything that is killed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Promise:
    """A write. `id`: what it was answered with; `attempts`: how often it had to be asked for."""

    key: str
    path: str
    body: Any
    id: str | None = None
    attempts: int = 0


@dataclass
class Ledger:
    """All of them, by kind."""

    contacts: list[Promise] = field(default_factory=list)
    deals: list[Promise] = field(default_factory=list)
    wins: list[Promise] = field(default_factory=list)
    amount_won_minor: int = 0
    contradictions: list[str] = field(default_factory=list)

    def all(self) -> list[Promise]:
        """Every promise."""
        return [*self.contacts, *self.deals, *self.wins]

    def answers(self) -> dict[str, int]:
        """How many of each kind were answered so far."""
        kinds = {"contacts": self.contacts, "deals": self.deals}
        return {kind: sum(p.id is not None for p in these) for kind, these in kinds.items()}

    def answered(self, promise: Promise, id_: str) -> None:
        """An answer came; a repeated key must not get another one."""
        if promise.id is not None and promise.id != id_:
            self.contradictions.append(f"{promise.key}: first {promise.id}, then {id_}")
        promise.id = id_
