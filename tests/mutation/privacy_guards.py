"""Guards of the privacy desk: whom a rule of retention may erase, and who sees which consents."""

from __future__ import annotations

from tests.mutation.mutant import Mutant

_CONTACTS = "services/contacts"
_RETENTION = f"{_CONTACTS}/tests/test_retention_api.py"

PRIVACY_GUARDS = (
    Mutant(
        "a rule of retention never finds whoever has an open deal",
        ("G10",),
        f"{_CONTACTS}/src/contacts/retention.py",
        "    yield deals.where(deal.status == OPEN)\n",
        "",
        (f"{_RETENTION}::test_nobody_is_found_with_whom_anything_happened",),
    ),
    Mutant(
        "whoever is needed meanwhile is not erased by a rule",
        ("G10",),
        f"{_CONTACTS}/src/contacts/retention.py",
        "    if (person.merged_into or person.person_id) not in going:\n",
        "    if False:\n",
        (f"{_RETENTION}::test_whoever_is_needed_meanwhile_stays_with_all_their_records",),
    ),
    Mutant(
        "a rule erases only as many as somebody has seen",
        ("G10",),
        f"{_CONTACTS}/src/contacts/api/retention.py",
        "    if people != wanted.people:\n",
        "    if False:\n",
        (f"{_RETENTION}::test_those_who_were_found_are_erased_with_certificates",),
    ),
    Mutant(
        "no consent of an erased person stays in the ledger",
        ("G10",),
        f"{_CONTACTS}/src/contacts/read_models/consent_ledger.py",
        "        yield Remove(CONSENT_LEDGER, (event.person_id, PERSON.category))\n",
        "        yield from ()\n",
        (
            f"{_CONTACTS}/tests/test_consent_ledger.py"
            "::test_of_whoever_is_erased_no_row_of_their_own_stays",
        ),
        in_memory=True,
    ),
    Mutant(
        "the ledger of consents shows only whom one may see",
        ("G11",),
        f"{_CONTACTS}/src/contacts/read_models/consent_ledger.py",
        "    yield from visible(PEOPLE.c.owner_id, wanted.owners)\n",
        "",
        (
            f"{_CONTACTS}/tests/test_consents_api.py"
            "::test_nobody_sees_more_than_their_own_and_nothing_is_left_of_the_erased",
        ),
    ),
)
