"""Whether there is such a person, and whether the record speaks for itself. Pure."""

from __future__ import annotations

from chassis.errors import Conflict, NotFound
from contacts.domain.person.state import Person


def there(person: Person | None) -> Person:
    """The person, if there is one. Raises NotFound."""
    if person is None:
        raise NotFound("There is no such person in this workspace.")
    if person.erased_at is not None:
        raise NotFound(
            f"This person was erased on {person.erased_at:%Y-%m-%d}; nothing about them is kept.",
            code="erased",
        )
    return person


def itself(person: Person | None) -> Person:
    """The person, if this record speaks for itself. Raises NotFound and Conflict."""
    person = there(person)
    if person.merged_into is not None:
        raise Conflict(
            "This record was merged into another one of the same person. Change that one "
            f"(/api/v1/contacts/{person.merged_into}), or unmerge them first.",
            code="merged",
            survivor_id=str(person.merged_into),
        )
    return person
