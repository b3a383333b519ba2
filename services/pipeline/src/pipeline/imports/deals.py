"""Imports deals: new ones are opened (and closed), known ones changed as far as a row differs.

Rows are matched by the id another system gave (and by that system, if it is said); rows without one
by all they say, and by how many rows before say the same: a file may well have two deals that are
alike, and again it has no more. A deal opens at
noon (UTC) of its opening day. Without one, a closed deal opens on the day it was closed, and an
open one on the last day the file speaks of: then it was open for certain. Deals that are closed in
the file were open before in the furthest stage the file knows. Names are looked up per chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from chassis.errors import DomainError
from chassis.events import id_of
from chassis.ids import new_id
from chassis.imports import (
    Create,
    Fail,
    ImportKind,
    ImportRow,
    ImportRun,
    Outcome,
    Skip,
    Update,
)
from chassis.imports.likeness import likeness, recall, repeats
from chassis.ports import Append, Loaded
from pipeline.domain.deal import DEAL, ChangeDeal, Deal
from pipeline.imports.cells import BadCell
from pipeline.imports.deal_commands import Case, changes, opening
from pipeline.imports.deal_ground import Ground, lay_ground
from pipeline.imports.deal_names import Names, look_up, meant
from pipeline.imports.deal_presets import DEAL_PRESETS
from pipeline.imports.deal_rows import FIELDS, DealRow, read_row

_GROUND = "ground"
_REPEATS = "repeats"
_KIND = "deals"


async def prepare(run: ImportRun, rows: Iterable[ImportRow]) -> None:
    """Look at the whole file once."""
    run.memory[_GROUND] = await lay_ground(run, rows)
    run.memory[_REPEATS] = repeats(row for row in rows if row.get("external_id") is None)


async def take(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """What becomes of the rows of a chunk: a handful of queries, however many rows."""
    ground: Ground = run.memory[_GROUND]
    read = [_read(row, ground) for row in rows]
    names = await look_up(run, [row for row in read if isinstance(row, DealRow)])
    known = [_known(run, row, names) if isinstance(row, DealRow) else None for row in read]
    alike = {
        raw.number: _likeness(run, raw)
        for raw, row in zip(rows, read, strict=True)
        if isinstance(row, DealRow) and row.external_id is None
    }
    made = await recall(run, _KIND, alike.values())
    loaded = await _load(run, {id_ for id_ in (*known, *made.values()) if id_ is not None})
    outcomes: list[Outcome] = []
    for raw, row in zip(rows, read, strict=True):
        if not isinstance(row, DealRow):
            outcomes.append(row)
            continue
        said = alike.get(raw.number)
        if said in made:
            there = loaded[DEAL.stream(made[said])]
            outcomes.append(_before(run, row, names, there))
        else:
            outcomes.append(_outcome(run, raw, row, names, loaded))
            if said is not None and isinstance(outcomes[-1], Create):
                run.recognise(said, id_of(outcomes[-1].append.stream))
    return outcomes


def _likeness(run: ImportRun, raw: ImportRow) -> bytes:
    return likeness(run, _KIND, raw, run.memory[_REPEATS].get(raw.number, 0))


def _before(run: ImportRun, row: DealRow, names: Names, there: Loaded) -> Outcome:
    """A row that a file has had before: it means the same deal, and changes nothing."""
    case = _case(run, row, names)
    try:
        case.check_owner(_deal(there).owner_id, "This deal")
    except DomainError as error:
        return Fail(error.detail)
    return Skip("imported before")


def _read(row: ImportRow, ground: Ground) -> DealRow | Fail:
    try:
        return read_row(row, ground.reading)
    except BadCell as error:
        return Fail(error.detail, error.field)


def _key(row: DealRow) -> str:
    return f"{row.external_source or ''}\x1f{row.external_id}"


def _known(run: ImportRun, row: DealRow, names: Names) -> UUID | None:
    """The deal a row stands for, if there is one already, or an earlier row makes it."""
    if row.external_id is None:
        return None
    return names.deals.get((row.external_source, row.external_id)) or run.seen.get(_key(row))


async def _load(run: ImportRun, ids: set[UUID]) -> Mapping[str, Loaded]:
    if not ids:
        return {}
    context = replace(run.context(ImportRow(0, {})), key=None)
    return await run.service.work_log.load_many(context, [DEAL.stream(id_) for id_ in ids])


def _outcome(
    run: ImportRun, raw: ImportRow, row: DealRow, names: Names, loaded: Mapping[str, Loaded]
) -> Outcome:
    case = _case(run, row, names)
    known = _known(run, row, names)
    try:
        if known is None:
            return _created(run, raw, case)
        there = loaded.get(DEAL.stream(known))
        return _again(run, case, known) if there is None else _changed(run, raw, case, there)
    except DomainError as error:
        return Fail(error.detail, notes=tuple(case.meant.notes))


def _case(run: ImportRun, row: DealRow, names: Names) -> Case:
    ground: Ground = run.memory[_GROUND]
    return Case(row, meant(row, names), ground, run.now, UUID(run.actor), run.owners)


def _deal(there: Loaded) -> Deal:
    deal = DEAL.fold(recorded.event for recorded in there.events)  # type: ignore[misc]
    assert deal is not None, "a stream that was loaded has been opened"
    return deal


def _created(run: ImportRun, raw: ImportRow, case: Case) -> Outcome:
    deal_id = new_id()
    events = DEAL.decide(ChangeDeal(opening(case, deal_id)), None)
    if case.row.external_id is not None:
        run.remember(_key(case.row), deal_id)
    append = replace(DEAL.append_of(deal_id, events, 0), context=run.context(raw))
    return Create(append, tuple(case.meant.notes))


def _again(run: ImportRun, case: Case, known: UUID) -> Outcome:
    """A second row for a deal that an earlier row makes: it has to wait until that is written."""
    if run.dry_run:
        return Skip("repeats an earlier row", tuple(case.meant.notes))
    return Update(Append(DEAL.stream(known), (), None), tuple(case.meant.notes))


def _changed(run: ImportRun, raw: ImportRow, case: Case, there: Loaded) -> Outcome:
    deal = _deal(there)
    events = DEAL.decide(ChangeDeal(tuple(changes(case, deal))), deal)
    notes = tuple(case.meant.notes)
    if not events:
        return Skip("unchanged", notes)
    append = DEAL.append_of(deal.deal_id, events, there.version)
    return Update(replace(append, context=run.context(raw)), notes)


DEALS = ImportKind(_KIND, FIELDS, "deals.write", take, prepare, presets=DEAL_PRESETS)
