"""Whatever is done in whatever order: sums kept by a deal's events are what folds of them give."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from chassis.errors import DomainError
from pipeline.domain.deal import (
    DEAL,
    Deal,
    DealCommand,
    DealEvent,
    DealLost,
    DealMoved,
    DealOpened,
    DealReopened,
    DealRevalued,
    DealWon,
    LoseDeal,
    MoveDeal,
    Overtaken,
    ReopenDeal,
    RevalueDeal,
    WinDeal,
)
from pipeline.testing.lives import SALES, on, opened

DAYS = st.integers(min_value=1, max_value=28)


def commands_of(days: tuple[int, int], choice: int, amount: int) -> DealCommand:
    now, at = on(max(days)), on(min(days))
    match choice:
        case 0:
            return MoveDeal(SALES.stages[amount % 3].key, SALES, now, at=at)
        case 1:
            return RevalueDeal(amount, now, at=at)
        case 2:
            return WinDeal(at.date(), now, amount)
        case 3:
            return LoseDeal(at.date(), now)
        case _:
            return ReopenDeal(now, at=at)


COMMANDS = st.builds(commands_of, st.tuples(DAYS, DAYS), st.integers(0, 4), st.integers(0, 10**6))
Delta = tuple[datetime, int, int, int]


def deltas(event: DealEvent) -> list[Delta]:
    """What an event adds to the open value, the weighted value (x 100) and the number of deals."""
    at = event.occurred_at
    match event:
        case DealOpened():
            return [(at, event.value_minor, event.value_minor * event.probability, 1)]
        case DealMoved():
            step = event.to_probability - event.from_probability
            return [(at, 0, event.value_minor * step, 0)]
        case DealRevalued():
            step = event.to_value_minor - event.from_value_minor
            return [(at, step, step * event.probability, 0)]
        case DealReopened():
            return [(at, event.value_minor, event.value_minor * event.probability, 1)]
        case DealWon() | DealLost():
            value = event.position_value_minor
            leaves = (at, -value, -value * event.probability, -int(event.was_open))
            return [leaves, *(_taken_back(gone) for gone in event.overtaken)]
        case _:
            return []


def _taken_back(gone: Overtaken) -> Delta:
    before = gone.from_value_minor * gone.from_probability
    after = gone.to_value_minor * gone.to_probability
    value = gone.to_value_minor - gone.from_value_minor
    return (gone.at, -value, before - after, int(gone.from_open) - int(gone.to_open))


def standing(deal: Deal | None) -> tuple[int, int, int]:
    if deal is None or deal.closing is not None:
        return (0, 0, 0)
    place = deal.position
    return (place.value_minor, place.value_minor * place.probability, 1)


@for_all(st.lists(COMMANDS, max_size=9))
@settings(max_examples=300, deadline=None)
def test_deltas_add_up_to_the_fold_as_of_every_moment(commands: list[DealCommand]) -> None:
    events: list[DealEvent] = [opened()]
    for command in commands:
        try:
            events += DEAL.decide(command, DEAL.fold(events))
        except DomainError:
            continue
    for day in range(28):
        moment = on(day + 1, 13)
        known = [delta[1:] for event in events for delta in deltas(event) if delta[0] <= moment]
        sums = tuple(sum(column) for column in zip(*known, strict=True))
        assert sums == standing(DEAL.fold(e for e in events if e.occurred_at <= moment))
