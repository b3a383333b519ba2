"""Guards of the road: relay, lanes, projector, reactor, rebuild, effects."""

from __future__ import annotations

from tests.mutation.mutant import CHASSIS, TESTS, Mutant

_OUTBOX = f"{CHASSIS}/postgres/outbox.py"
_RELAY = f"{CHASSIS}/relay.py"
_LANES = f"{CHASSIS}/postgres/lanes.py"
_READER = f"{CHASSIS}/lane_reader.py"
_PROJECTOR = f"{CHASSIS}/projector.py"
_REBUILD = f"{CHASSIS}/rebuild.py"
_REPLAY = f"{CHASSIS}/replay.py"
_LOG = f"{TESTS}/test_event_log.py::TestInPostgres"
_IN_POSTGRES = f"{TESTS}/test_lanes.py::TestInPostgres"
_ROAD = f"{TESTS}/test_road.py"
_SWAPS = f"{TESTS}/test_swaps.py"
_BY_THE_PROJECTOR = f"{TESTS}/test_projector.py"
_BY_THE_RELAY = f"{TESTS}/test_relay.py"

_KEYS_FIRST = """\
        if batch.keys:
            await sink.publish([key_message(notice) for notice in batch.keys])
        if batch.events:
            began = time.perf_counter()
            await sink.publish([message_of(stored) for stored in batch.events])
            TOOK.observe(time.perf_counter() - began)
"""
_EVENTS_FIRST = """\
        if batch.events:
            await sink.publish([message_of(stored) for stored in batch.events])
        if batch.keys:
            await sink.publish([key_message(notice) for notice in batch.keys])
"""

RELAY_GUARDS = (
    Mutant(
        "outbox order",
        ("G4",),
        _OUTBOX,
        "(select position from log.outbox order by position limit $1)",
        "(select position from log.outbox order by position desc limit $1)",
        (f"{_LOG}::test_a_small_batch_of_the_outbox_takes_the_oldest_first",),
    ),
    Mutant(
        "order within a batch of the outbox",
        ("G4",),
        _OUTBOX,
        " order by o.position\n",
        " order by o.position desc\n",
        (f"{_LOG}::test_everything_appended_waits_in_the_outbox_in_order",),
    ),
    Mutant(
        "keys before the events that need them",
        ("G10",),
        _RELAY,
        _KEYS_FIRST,
        _EVENTS_FIRST,
        (f"{_BY_THE_RELAY}::test_a_key_is_on_its_topic_before_the_first_event_that_needs_it",),
        in_memory=True,
    ),
    Mutant(
        "deleted from the outbox only when acknowledged",
        ("G1",),
        _RELAY,
        "        if batch.keys:\n            await sink",
        "        await self._outbox.done(batch)\n        if batch.keys:\n            await sink",
        (f"{_BY_THE_RELAY}::test_after_a_broken_batch_the_order_within_each_stream_is_kept",),
        in_memory=True,
    ),
    Mutant(
        "published is what Kafka has acknowledged",
        ("G1",),
        f"{CHASSIS}/kafka/sink.py",
        "            await asyncio.gather(*sent)\n",
        "",
        (
            "tests/chaos/test_broken_lines.py"
            "::test_what_kafka_has_not_acknowledged_is_not_taken_for_published",
        ),
    ),
    Mutant(
        "one active relay (session lock)",
        ("G4",),
        _OUTBOX,
        '"select pg_try_advisory_lock($1)"',
        '"select $1::bigint is not null"',
        (f"{_LOG}::test_a_relay_that_was_succeeded_can_delete_nothing",),
    ),
    Mutant(
        "fencing epoch of the relay",
        ("G1", "G4"),
        _OUTBOX,
        "update log.relay set epoch = epoch where epoch = $1 returning epoch",
        "update log.relay set epoch = epoch where $1::bigint is not null returning epoch",
        (f"{_LOG}::test_a_relay_that_was_succeeded_can_delete_nothing",),
    ),
    Mutant(
        "a frozen relay loses its lock",
        ("G1", "G4"),
        f"{CHASSIS}/postgres/database.py",
        '                "idle_session_timeout": str(limit),\n',
        "",
        (f"{_LOG}::test_a_relay_that_is_frozen_is_succeeded_and_then_refused",),
    ),
    Mutant(
        "a frozen worker loses what it holds",
        ("G1", "G4"),
        f"{CHASSIS}/postgres/database.py",
        ", set_config('transaction_timeout', $4, false)\n",
        ", set_config('everlog.unused', $4, false)\n",
        (
            f"{TESTS}/test_frozen_workers.py"
            "::test_a_worker_frozen_in_the_middle_of_a_statement_lets_go_of_its_rows",
        ),
    ),
    Mutant(
        "a relay at work keeps its lock",
        ("G4",),
        _OUTBOX,
        "        await self._hold_the_lock()\n",
        "",
        (f"{_LOG}::test_a_relay_that_is_at_work_is_not_succeeded",),
    ),
    Mutant(
        "the feed is numbered without gaps",
        ("G4",),
        _OUTBOX,
        "h.number - c.n + row_number()",
        "h.number + row_number()",
        (f"{_ROAD}::test_the_feed_numbers_every_event_of_a_workspace_without_gaps",),
    ),
)

LANE_GUARDS = (
    Mutant(
        "offset compare-and-set",
        ("G1", "G4"),
        _LANES,
        "   and o.next_offset = u.start\n",
        "",
        (
            f"{_IN_POSTGRES}::test_a_commit_from_another_place_changes_nothing",
            f"{_ROAD}::test_a_projector_that_slept_through_a_takeover_is_refused",
        ),
    ),
    Mutant(
        "epoch of the lane",
        ("G4", "G6"),
        _LANES,
        "o.epoch = $2 and",
        "$2::bigint is not null and",
        (
            f"{_IN_POSTGRES}::test_a_commit_from_another_place_changes_nothing",
            f"{_SWAPS}::test_a_batch_taken_before_a_swap_is_refused_after_it",
        ),
    ),
    Mutant(
        "rows and offsets are one transaction",
        ("G1", "G4"),
        _LANES,
        "as connection, connection.transaction():\n            await move(",
        "as connection:\n            await move(",
        (f"{_SWAPS}::test_a_rolled_back_batch_leaves_nothing_behind",),
    ),
    Mutant(
        "version guard: what was seen is dropped",
        ("G1", "G4"),
        _READER,
        "            if one.version <= last:\n                if stream",
        "            if one.version < 0:\n                if stream",
        (f"{_BY_THE_PROJECTOR}::test_what_arrives_again_later_is_dropped",),
        in_memory=True,
    ),
    Mutant(
        "version guard: the guards are kept",
        ("G1", "G4"),
        _LANES,
        "            if commit.guards:\n",
        "            if False:\n",
        (f"{_IN_POSTGRES}::test_guards_remember_the_last_version",),
    ),
    Mutant(
        "version guard: a gap is parked",
        ("G4", "G8"),
        _READER,
        "            if one.version > last + 1:\n",
        "            if False:\n",
        (f"{_BY_THE_PROJECTOR}::test_what_comes_after_a_gap_is_parked_and_not_applied",),
        in_memory=True,
    ),
    Mutant(
        "a lost race is noticed and read again",
        ("G1", "G4"),
        _PROJECTOR,
        "                    work.done = False\n                    await self._reader.resync()\n",
        "                    work.done = False\n",
        (f"{_BY_THE_PROJECTOR}::test_older_code_stops_when_a_newer_version_has_joined_its_lane",),
        in_memory=True,
    ),
    Mutant(
        "older code leaves a newer read model alone",
        ("G6",),
        _PROJECTOR,
        "if projection is None:\n                raise Fenced(",
        "if projection is None:\n                continue\n                raise Fenced(",
        (f"{_BY_THE_PROJECTOR}::test_older_code_stops_when_a_newer_version_has_joined_its_lane",),
        in_memory=True,
    ),
)

PARKING_GUARDS = (
    Mutant(
        "a bad event parks its sequence",
        ("G8",),
        _PROJECTOR,
        '            batch.commit.parked.append(_parked(member.name, one, "failed", cause))\n',
        "            raise error\n",
        (f"{_BY_THE_PROJECTOR}::test_what_follows_a_bad_event_queues_up_behind_it",),
        in_memory=True,
    ),
    Mutant(
        "later events queue up behind it (same batch)",
        ("G4", "G8"),
        _PROJECTOR,
        "        return any(\n            p.projection == name",
        "        return False and any(\n            p.projection == name",
        (f"{_BY_THE_PROJECTOR}::test_what_follows_a_bad_event_queues_up_behind_it",),
        in_memory=True,
    ),
    Mutant(
        "later events queue up behind it (later batches)",
        ("G4", "G8"),
        _PROJECTOR,
        "        if (name, one.workspace, one.stream) in self._reader.state.parked:\n",
        "        if False:\n",
        (f"{_BY_THE_PROJECTOR}::test_what_follows_a_bad_event_queues_up_behind_it",),
        in_memory=True,
    ),
    Mutant(
        "a retry holds the lane",
        ("G4", "G8"),
        f"{CHASSIS}/parked.py",
        "            await connection.execute(_HOLD, LIVE)\n",
        "",
        (f"{_SWAPS}::test_a_batch_taken_before_a_retry_is_refused_after_it",),
    ),
    Mutant(
        "a retry is whole or nothing",
        ("G8",),
        f"{CHASSIS}/parked.py",
        "            except (Conflict, Fault) as error:\n                failure = error\n",
        "            except (Conflict, Fault) as error:\n                failure = None\n"
        "                await connection.execute(_CLEAR, projection, workspace, stream)\n",
        (f"{_ROAD}::test_a_bad_event_parks_only_its_own_sequence_and_can_be_tried_again",),
    ),
)

REBUILD_GUARDS = (
    Mutant(
        "a rebuild does not run ahead of the live lane",
        ("G4", "G5", "G6"),
        _REBUILD,
        "min(end, live[p].offset if p in live else end)",
        "end",
        (f"{_SWAPS}::test_a_rebuild_does_not_run_ahead_of_the_live_lane",),
    ),
    Mutant(
        "a swap turns away batches taken before",
        ("G5", "G6"),
        _REBUILD,
        "set epoch = epoch + 1 where lane = $1\nreturning topic",
        "set epoch = epoch where lane = $1\nreturning topic",
        (f"{_SWAPS}::test_a_batch_taken_before_a_swap_is_refused_after_it",),
    ),
    Mutant(
        "a rebuild applies the rest before it swaps",
        ("G5", "G6"),
        _REBUILD,
        "            await self._follow_to_the_end(connection, live)\n"
        "            await self._add_topics(",
        "            await self._add_topics(",
        (f"{_SWAPS}::test_what_the_live_lane_applies_during_a_rebuild_is_in_it",),
    ),
    Mutant(
        "a rebuild is strict: a bad event stops it",
        ("G5", "G6"),
        _REPLAY,
        '                raise Poison(f"{recorded!r} cannot be applied: {error!r}") from error\n',
        "                continue\n",
        (f"{_ROAD}::test_a_rebuild_that_meets_a_bad_event_changes_nothing",),
    ),
    Mutant(
        "a rebuild drops what was relayed twice",
        ("G4", "G5"),
        _REPLAY,
        "            if version == last + 1:\n",
        "            if version <= last + 1:\n",
        (f"{_SWAPS}::test_a_rebuild_counts_once_what_was_relayed_twice",),
    ),
    Mutant(
        "live and rebuilt are compared",
        ("G5",),
        f"{CHASSIS}/comparing.py",
        "here = await digest_of(connection, schema_of(projection.name, live), table)",
        "here = await digest_of(connection, schema_of(projection.name, generation), table)",
        (f"{_ROAD}::test_live_tables_equal_the_fold_and_a_difference_is_found",),
    ),
)

EFFECT_GUARDS = (
    Mutant(
        "inbox of the reactor",
        ("G1", "G9"),
        f"{CHASSIS}/orders.py",
        '                    key=f"{origin.inbox}:{number}",\n',
        "",
        (
            f"{TESTS}/test_reactor.py"
            "::test_orders_carried_out_before_a_crash_are_not_carried_out_again",
            f"{TESTS}/test_reactor.py"
            "::test_reading_the_topics_from_their_beginning_has_no_effect_again",
        ),
        in_memory=True,
    ),
    Mutant(
        "send ledger: claimed once",
        ("G9",),
        f"{CHASSIS}/postgres/effects.py",
        '        if claimed == "INSERT 0 0":\n',
        "        if False:\n",
        (f"{TESTS}/test_effects.py::test_an_effect_is_done_once_however_often_it_is_asked_for",),
    ),
    Mutant(
        "send ledger: what may have happened is not repeated",
        ("G9",),
        f"{CHASSIS}/postgres/effects.py",
        '            status, detail = "uncertain", f"',
        '            status, detail = AGAIN, f"',
        (f"{TESTS}/test_effects.py::test_an_effect_that_breaks_off_is_uncertain_and_not_repeated",),
    ),
    Mutant(
        "a reminder is taken by one worker",
        ("G1",),
        f"{CHASSIS}/postgres/reminders.py",
        " for update skip locked\n",
        "\n",
        (f"{TESTS}/test_effects.py::test_two_workers_never_hold_the_same_reminder",),
    ),
)
