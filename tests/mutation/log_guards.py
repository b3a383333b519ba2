"""Guards of the log: append, bulk append, claims, the hash chain, what may not be changed."""

from __future__ import annotations

from tests.mutation.mutant import CHASSIS, TESTS, Mutant

_APPEND = f"{CHASSIS}/postgres/log.sql"
_BULK = f"{CHASSIS}/postgres/bulk.py"
_MEMORY = f"{CHASSIS}/memory/event_log.py"
_LOG = f"{TESTS}/test_event_log.py::TestInPostgres"
_LOG_IN_MEMORY = f"{TESTS}/test_event_log.py::TestInMemory"
_RACES = f"{TESTS}/test_append_races.py"

LOG_GUARDS = (
    Mutant(
        "stream lock",
        ("G1", "G2", "G4"),
        _APPEND,
        "    perform pg_advisory_xact_lock(hashtextextended(p_workspace::text || p_stream, 0));\n",
        "",
        (f"{_RACES}::test_a_writer_who_means_any_version_waits_for_the_one_before",),
    ),
    Mutant(
        "stream locks of a bulk append",
        ("G1", "G2", "G4"),
        _BULK,
        "        await connection.execute(_LOCK, str(workspace), known)\n",
        "",
        (f"{_RACES}::test_a_bulk_append_waits_for_the_one_before",),
    ),
    Mutant(
        "expected version",
        ("G2",),
        _APPEND,
        "    if p_expected is not null and p_expected <> v then",
        "    if false then",
        (f"{_LOG}::test_of_two_writers_with_the_same_version_one_is_refused",),
    ),
    Mutant(
        "expected version in memory",
        ("G2",),
        _MEMORY,
        "if append.expected is not None and append.expected != version:",
        "if False:",
        (f"{_LOG_IN_MEMORY}::test_of_two_writers_with_the_same_version_one_is_refused",),
        in_memory=True,
    ),
    Mutant(
        "expected version of a bulk append",
        ("G2",),
        _BULK,
        "    if expected is not None and expected != version:\n",
        "    if False:\n",
        (f"{_LOG}::test_a_bulk_append_to_another_version_than_expected_is_refused",),
    ),
    Mutant(
        "one event per version (primary key)",
        ("G2", "G4"),
        _APPEND,
        "    primary key (workspace_id, stream, version)\n);\ncreate unique index",
        "    primary key (workspace_id, id)\n);\ncreate unique index",
        (f"{_LOG}::test_a_bulk_append_to_another_version_than_expected_is_refused",),
    ),
    Mutant(
        "known keys are answered first",
        ("G3",),
        _APPEND,
        "        if found then\n            if known",
        "        if false then\n            if known",
        (f"{_LOG}::test_a_repeated_append_is_answered_though_the_stream_has_moved_on",),
    ),
    Mutant(
        "a key taken a moment ago",
        ("G1", "G3"),
        _APPEND,
        "        if not found then -- the same key, on another stream, a moment ago",
        "        if false then",
        (f"{_RACES}::test_a_key_used_on_two_new_streams_at_once_has_one_effect",),
    ),
    Mutant(
        "a key belongs to one request",
        ("G3",),
        _APPEND,
        "found then\n            if known.fingerprint is distinct from p_fingerprint then",
        "found then\n            if false then",
        (f"{_LOG}::test_a_key_is_refused_to_another_request_whichever_way_it_is_appended",),
    ),
    Mutant(
        "a key belongs to one request of a bulk append",
        ("G3",),
        _BULK,
        '    if any(row["fingerprint"] != asked[row["key"]] for row in rows):\n',
        "    if False:\n",
        (f"{_LOG}::test_a_key_is_refused_to_another_request_whichever_way_it_is_appended",),
    ),
    Mutant(
        "keys of a bulk append are answered",
        ("G1", "G3"),
        _BULK,
        '    return {row["key"]: Appended(row["stream"], row["version"], replayed=True) '
        "for row in rows}",
        "    return {}",
        (f"{_LOG}::test_a_bulk_append_does_what_single_appends_do",),
    ),
    Mutant(
        "a claimed value has one holder",
        ("G2",),
        _APPEND,
        "                where c.stream = excluded.stream;",
        "                where true;",
        (f"{_LOG}::test_a_claimed_value_is_refused_to_others_until_released",),
    ),
    Mutant(
        "a claimed value has one holder in a bulk append",
        ("G2",),
        _BULK,
        "   where c.stream = excluded.stream\nreturning",
        "   where true\nreturning",
        (
            f"{_LOG}::test_a_bulk_append_names_who_holds_a_claimed_value",
            f"{_LOG}::test_a_bulk_append_is_all_or_nothing",
        ),
    ),
    Mutant(
        "a bulk append is one transaction",
        ("G1",),
        f"{CHASSIS}/postgres/event_log.py",
        "                async with connection.transaction():\n",
        "                if True:\n",
        (f"{_RACES}::test_a_bulk_append_that_fails_at_the_end_leaves_nothing",),
    ),
    Mutant(
        "outbox in the append's transaction",
        ("G1", "G4"),
        _APPEND,
        "        insert into log.outbox select position, p_workspace from written;",
        "        select count(*) into touched from written;",
        (f"{_LOG}::test_everything_appended_waits_in_the_outbox_in_order",),
    ),
    Mutant(
        "the log refuses changes (trigger)",
        ("G12",),
        _APPEND,
        "append_only before update or delete or truncate on",
        "append_only before truncate on",
        (f"{_LOG}::test_the_log_refuses_updates_and_deletes",),
    ),
    Mutant(
        "the log refuses changes (rights)",
        ("G12",),
        _APPEND,
        "grant select, insert on log.events, log.commands,",
        "grant update, delete on log.events to $api, $worker;\n"
        "grant select, insert on log.events, log.commands,",
        (f"{_RACES}::test_neither_role_of_a_service_may_change_what_is_in_the_log",),
    ),
    Mutant(
        "hash chain: each event links the one before",
        ("G12",),
        _APPEND,
        "            h := sha256(h || int4send(v + i)",
        "            h := sha256(int4send(v + i)",
        (f"{_LOG}::test_the_chain_links_every_event_to_the_one_before",),
    ),
    Mutant(
        "hash chain of a bulk append",
        ("G12",),
        _BULK,
        "        previous = link(previous, version, recorded_at, digest(event))",
        "        previous = link(GENESIS, version, recorded_at, digest(event))",
        (f"{_LOG}::test_a_bulk_append_does_what_single_appends_do",),
    ),
    Mutant(
        "hash chain: a change is noticed",
        ("G12",),
        f"{CHASSIS}/chain.py",
        "        if stored.hash != hash_of(stored, previous):\n",
        "        if False:\n",
        (f"{TESTS}/test_chain.py::test_a_change_anywhere_is_noticed",),
        in_memory=True,
    ),
    Mutant(
        "hash chain: `everlog verify` notices a change",
        ("G5", "G12"),
        f"{CHASSIS}/verify.py",
        "        if stored.hash != hash_of(stored, previous):\n",
        "        if False:\n",
        (
            f"{TESTS}/test_service.py"
            "::test_the_log_verifies_and_what_was_changed_behind_it_is_found",
        ),
    ),
    Mutant(
        "time recorded never runs backwards",
        ("G12",),
        _APPEND,
        "r := greatest(r, p_recorded);",
        "r := p_recorded;",
        (f"{_LOG}::test_time_recorded_never_runs_backwards_in_a_stream",),
    ),
)
