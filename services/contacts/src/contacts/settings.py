"""What can be set for the contacts service beside what every service has."""

from __future__ import annotations

from pydantic import Field

from chassis.settings import ServiceSettings


class ContactsSettings(ServiceSettings):
    """Environment variables EVERLOG_*."""

    phone_region: str | None = Field(
        default=None,
        pattern="^[A-Z]{2}$",
        description="Country (ISO code) that phone numbers without + belong to, where a person's "
        "own country is not known.",
    )
