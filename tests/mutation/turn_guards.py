"""Guards of turns, of what one process does at a time; and of what keeps workers at work."""

from __future__ import annotations

from tests.mutation.mutant import CHASSIS, TESTS, Mutant

_TURNS = f"{CHASSIS}/postgres/turns.py"
_OF_TURNS = f"{TESTS}/test_turns.py"
_SWAPS = f"{TESTS}/test_swaps.py"
_LINES = "tests/chaos/test_broken_lines.py"
_FROZEN = "test_whoever_is_at_work_keeps_the_turn_and_whoever_is_frozen_does_not"

TURN_GUARDS = (
    Mutant(
        "a frozen worker loses its turn",
        ("G1",),
        _TURNS,
        'dedicated("turn", silent_s=self._silent_s)',
        'dedicated("turn")',
        (f"{_OF_TURNS}::{_FROZEN}",),
    ),
    Mutant(
        "a worker at work keeps its turn",
        ("G4",),
        _TURNS,
        "            await asyncio.sleep(self._silent_s / 5)\n",
        "            await asyncio.sleep(self._silent_s * 5)\n",
        (f"{_OF_TURNS}::{_FROZEN}",),
    ),
    Mutant(
        "who has lost the turn stops working",
        ("G1",),
        _TURNS,
        "asyncio.wait((working, holding), return_when",
        "asyncio.wait((working,), return_when",
        (f"{_OF_TURNS}::test_work_ends_when_the_turn_is_lost",),
    ),
    Mutant(
        "one worker at a time builds a release",
        ("G6",),
        f"{CHASSIS}/releases.py",
        "await mine.during(_build(service))",
        "await _build(service)",
        (f"{TESTS}/test_releases.py::test_a_frozen_builder_is_succeeded_and_one_at_work_is_not",),
    ),
    Mutant(
        "one process at a time rebuilds a read model",
        ("G6",),
        f"{CHASSIS}/rebuild.py",
        "await self._turn.during(self._build_and_join(swap))",
        "await self._build_and_join(swap)",
        (f"{_SWAPS}::test_a_frozen_rebuild_is_succeeded_and_one_at_work_is_not",),
    ),
    Mutant(
        "what was thrown away is not swapped in",
        ("G6",),
        f"{CHASSIS}/rebuild.py",
        '            if await connection.execute(step, name, generation, LIVE) != "UPDATE 1":\n',
        '            if await connection.execute(step, name, generation, LIVE) == "":\n',
        (f"{_SWAPS}::test_a_rebuild_whose_work_was_thrown_away_is_not_swapped_in",),
    ),
    Mutant(
        "a rebuild that ends late leaves what answers",
        ("G6",),
        f"{CHASSIS}/rebuild.py",
        "generation = %s and status = 'building' for update",
        "generation = %s for update",
        (f"{_SWAPS}::test_a_rebuild_that_is_ended_after_its_swap_leaves_what_answers",),
    ),
    Mutant(
        "one process at a time sends mail",
        ("G9",),
        "services/campaigns/src/campaigns/sending/sender.py",
        "await self._turn.during(self._send())",
        "await self._send()",
        (
            "services/campaigns/tests/test_senders_turn.py"
            "::test_a_frozen_sender_is_succeeded_and_one_at_work_is_not",
        ),
    ),
    Mutant(
        "one process at a time looks for duplicates",
        ("G1",),
        "services/contacts/src/contacts/finding/finder.py",
        "await mine.during(Finder(service).run())",
        "await Finder(service).run()",
        (
            "services/contacts/tests/test_workers_turns.py"
            "::test_a_frozen_finder_is_succeeded_and_one_at_work_is_not",
        ),
    ),
    Mutant(
        "one process at a time keeps segments up",
        ("G1",),
        "services/contacts/src/contacts/segmenting/keeper.py",
        "await mine.during(Keeper(service).run())",
        "await Keeper(service).run()",
        (
            "services/contacts/tests/test_workers_turns.py"
            "::test_a_frozen_keeper_of_segments_is_succeeded_and_one_at_work_is_not",
        ),
    ),
    Mutant(
        "a cancellation that a library lets out ends no worker",
        ("G4",),
        f"{CHASSIS}/runner.py",
        "    return task is None or task.cancelling() > 0\n",
        "    return True\n",
        (f"{TESTS}/test_runner.py::test_a_cancellation_that_a_library_lets_out_ends_no_worker",),
        in_memory=True,
    ),
    Mutant(
        "a process one of whose workers has ended ends",
        ("G4",),
        f"{CHASSIS}/runner.py",
        "asyncio.wait([serving, stopping, *tasks], return_when",
        "asyncio.wait([serving, stopping], return_when",
        (
            f"{TESTS}/test_split_roles.py"
            "::test_a_process_one_of_whose_workers_has_ended_ends_and_is_started_anew",
        ),
    ),
    Mutant(
        "clients of Kafka let no cancellation out",
        ("G4",),
        f"{CHASSIS}/kafka/closing.py",
        "        await asyncio.wait({task}, timeout=patience_s)\n",
        "        await task\n",
        (f"{_LINES}::test_a_reader_whose_broker_is_away_stops_without_ending_whoever_stops_it",),
    ),
)
