"""Guards of undoing one change: what others wrote since, and whose records somebody may give."""

from __future__ import annotations

from tests.mutation.mutant import Mutant

_CONTACTS = "services/contacts"

UNDO_GUARDS = (
    Mutant(
        "an undo leaves what somebody changed since",
        ("G2",),
        f"{_CONTACTS}/src/contacts/domain/undoing.py",
        "restored = [each for each in ahead if not each.contested]",
        "restored = list(ahead)",
        (
            f"{_CONTACTS}/tests/test_undoing.py"
            "::test_what_somebody_changed_since_stays_unless_it_is_named",
        ),
        in_memory=True,
    ),
    Mutant(
        "an undo gives no record to somebody outside one's team",
        ("G11",),
        f"{_CONTACTS}/src/contacts/api/changes.py",
        "            check_owner(write.principal, each.before)\n",
        "            pass\n",
        (
            f"{_CONTACTS}/tests/test_changes_api.py"
            "::test_who_may_not_change_a_record_may_not_undo_in_it",
        ),
    ),
)
