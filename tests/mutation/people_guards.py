"""Guards around people: sealing, erasure, who may see what; and where requests come in."""

from __future__ import annotations

from tests.mutation.mutant import CHASSIS, TESTS, Mutant

_APPEND = f"{CHASSIS}/postgres/log.sql"
_LOG = f"{TESTS}/test_event_log.py::TestInPostgres"
_ISOLATION = f"{TESTS}/test_isolation.py"
_SERVICE = f"{TESTS}/test_service.py"

ERASURE_GUARDS = (
    Mutant(
        "a forgotten person's key is destroyed",
        ("G10",),
        _APPEND,
        "             where k.workspace_id = p_workspace and k.subject = any(p_forget) returning",
        "             where k.workspace_id = p_workspace and false returning",
        (f"{_LOG}::test_personal_data_is_sealed_and_gone_once_the_key_is_destroyed",),
    ),
    Mutant(
        "a destroyed key leaves the memory at once",
        ("G10",),
        f"{CHASSIS}/postgres/event_log.py",
        "                self._subjects.forget(workspace, one.append.forget)\n",
        "                pass\n",
        (f"{_LOG}::test_personal_data_is_sealed_and_gone_once_the_key_is_destroyed",),
    ),
    Mutant(
        "a destroyed key is told to the others (tombstone)",
        ("G10",),
        _APPEND,
        "            select p_workspace, gone.key_id, null from gone;",
        "            select p_workspace, gone.key_id, null from gone where false;",
        (f"{TESTS}/test_foreign_keys.py::test_a_key_that_was_destroyed_is_forgotten_by_others",),
    ),
    Mutant(
        "an unknown key is looked for before a person reads as erased",
        ("G4", "G10"),
        f"{CHASSIS}/keys_topic.py",
        "            await self.catch_up()\n            for workspace",
        "            for workspace",
        (f"{TESTS}/test_foreign_keys.py::test_an_unknown_key_is_looked_for_on_the_topic",),
    ),
    Mutant(
        "one key per person",
        ("G10",),
        f"{CHASSIS}/postgres/event_log.py",
        '                    if error.sqlstate == "ES003" and attempt < _KEY_RACES - 1:\n',
        "                    if False:\n",
        (f"{TESTS}/test_append_races.py::test_two_first_events_of_one_person_share_one_key",),
    ),
    Mutant(
        "a sealed part is bound to its event",
        ("G10", "G12"),
        f"{CHASSIS}/vault.py",
        "return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)",
        'return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], b"")',
        (
            f"{TESTS}/test_codec.py"
            "::test_personal_fields_are_not_in_the_bytes_and_come_back_with_the_key",
        ),
        in_memory=True,
    ),
)

_CONTACTS = "services/contacts"

SEGMENT_GUARDS = (
    Mutant(
        "whoever is in a segment does not enter it again",
        ("G1", "G9"),
        f"{_CONTACTS}/src/contacts/domain/membership.py",
        "entered = command.enter - set(membership.since)",
        "entered = command.enter",
        (
            f"{_CONTACTS}/tests/test_membership.py"
            "::test_who_is_in_does_not_enter_again_and_who_is_out_does_not_leave",
        ),
        in_memory=True,
    ),
    Mutant(
        "nothing says in which segments an erased person was",
        ("G10",),
        f"{_CONTACTS}/src/contacts/read_models/segment_members.py",
        "            yield Remove(STAYS, (e.person_id,))",
        "            pass",
        (
            f"{_CONTACTS}/tests/test_segment_members.py"
            "::test_a_stay_lasts_from_entering_to_leaving_and_there_can_be_several",
        ),
        in_memory=True,
    ),
)

EDGE_GUARDS = (
    Mutant(
        "row-level security of the log",
        ("G11",),
        _APPEND,
        "        execute format('alter table log.%I enable row level security', t);\n",
        "",
        (f"{_ISOLATION}::test_no_statement_leads_into_another_workspace",),
    ),
    Mutant(
        "row-level security of what workers keep",
        ("G11",),
        f"{CHASSIS}/postgres/road.sql",
        "        execute format('alter table road.%I enable row level security', t);\n",
        "",
        (f"{_ISOLATION}::test_no_statement_leads_into_another_workspace",),
    ),
    Mutant(
        "row-level security of read models",
        ("G11",),
        f"{CHASSIS}/postgres/generations.py",
        '        cursor.execute(f"alter table {name} enable row level security")\n',
        "",
        (
            f"{_ISOLATION}::test_no_route_leads_into_another_workspace",
            f"{_ISOLATION}::test_no_statement_leads_into_another_workspace",
        ),
    ),
    Mutant(
        "row-level security, for writing, too",
        ("G11",),
        _APPEND,
        "'(workspace_id = log.workspace()) with check (workspace_id = log.workspace())', t);",
        "'(workspace_id = log.workspace()) with check (true)', t);",
        (f"{_ISOLATION}::test_no_statement_leads_into_another_workspace",),
    ),
    Mutant(
        "a connection sees the workspace of its request",
        ("G11",),
        f"{CHASSIS}/postgres/database.py",
        "            if raw.scope != scope or patience_s is not None:\n",
        "            if raw.scope is None or patience_s is not None:\n",
        (
            f"{TESTS}/test_append_races.py"
            "::test_a_connection_sees_the_workspace_that_it_is_handed_out_for",
        ),
    ),
    Mutant(
        "a service's database is its own",
        ("G11",),
        f"{CHASSIS}/setup.py",
        'sql.SQL("revoke all on database {} from public")',
        'sql.SQL("revoke create on database {} from public")',
        (f"{_ISOLATION}::test_no_role_gets_into_another_services_database",),
    ),
    Mutant(
        "If-Match",
        ("G2",),
        f"{CHASSIS}/http/writing.py",
        "        expected=_if_match(request),\n",
        "        expected=None,\n",
        (f"{_SERVICE}::test_the_loser_of_two_writers_gets_412",),
    ),
    Mutant(
        "Idempotency-Key",
        ("G3",),
        f"{CHASSIS}/http/writing.py",
        '        key=f"http:{principal.user_id}:{key}" if key else None,\n',
        "        key=None,\n",
        (f"{_SERVICE}::test_the_same_key_gets_the_same_answer",),
    ),
    Mutant(
        "tokens expire",
        ("G11",),
        f"{CHASSIS}/http/principal.py",
        "        if expires <= time.time():\n",
        "        if False:\n",
        (
            f"{TESTS}/test_principal.py"
            "::test_a_token_that_was_good_expires_although_it_is_remembered",
        ),
        in_memory=True,
    ),
    Mutant(
        "tokens are issued by identity",
        ("G11",),
        f"{CHASSIS}/http/principal.py",
        "        if said.iss != ISSUER:\n",
        "        if False:\n",
        (
            f"{TESTS}/test_principal.py"
            "::test_a_token_of_another_issuer_is_refused_though_its_key_is_right",
        ),
        in_memory=True,
    ),
    Mutant(
        "permissions",
        ("G11",),
        f"{CHASSIS}/http/principal.py",
        "        if not principal.may(permission):\n",
        "        if False:\n",
        (f"{_SERVICE}::test_bad_requests_get_problems_that_say_what_to_do",),
    ),
    Mutant(
        "no certificate while a key is there",
        ("G10",),
        f"{CHASSIS}/postgres/erasures.py",
        '    if not ends or any(event["opens"] for event in events):\n',
        "    if not ends:\n",
        (
            "services/contacts/tests/test_erasures.py"
            "::test_nothing_is_certified_while_a_key_is_there",
        ),
    ),
    Mutant(
        "a certificate shows what was signed",
        ("G10",),
        f"{CHASSIS}/certificate.py",
        '    if signed.headers().get("typ") != TYPE or stated != document.get("certificate"):\n',
        "    if False:\n",
        (f"{TESTS}/test_certificate.py::test_a_changed_certificate_is_not_valid",),
        in_memory=True,
    ),
    Mutant(
        "who sees only their own changes no others at once",
        ("G11",),
        "services/contacts/src/contacts/bulk.py",
        "person is None or not may_see(person.owner_id, run.owners):",
        "person is None:",
        ("services/contacts/tests/test_bulk.py::test_who_sees_only_their_own_changes_no_others",),
    ),
)
