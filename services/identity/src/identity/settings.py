"""Identity's settings."""

from __future__ import annotations

from functools import cached_property
from uuid import UUID, uuid5

from joserfc.jwk import OKPKey
from pydantic import Field, SecretStr, field_validator

from chassis.errors import BadInput
from chassis.settings import ServiceSettings
from identity.domain.email import normal_email
from identity.zones import check_zone

NAMESPACE = UUID("4f1a2a36-2e0a-5c55-9d0c-6f9f3f1f6c10")
"""Ids that must come out the same again are made from names within it."""


class IdentitySettings(ServiceSettings):
    """`secrets` also holds signing.key, the private half of verify.pem."""

    admin_email: str | None = Field(
        default=None, description="Signs in as the first administrator; none is made without it."
    )
    admin_password: SecretStr | None = Field(
        default=None, description="The first administrator's password, until they set another."
    )
    workspace_name: str = Field(default="Everlog", description="Name of the first workspace.")
    workspace_currency: str = Field(
        default="EUR", pattern="^[A-Z]{3}$", description="Its currency (ISO 4217)."
    )
    workspace_time_zone: str = Field(default="UTC", description="Its time zone (IANA name).")
    workspace_id: UUID = Field(
        default=uuid5(NAMESPACE, "first workspace"),
        description="Its id; only for installations that share a Kafka.",
    )
    open_workspaces: bool = Field(
        default=False, description="Whether anybody may open a workspace of their own."
    )

    @field_validator("admin_email")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        try:
            return normal_email(value) if value else None
        except BadInput as error:
            raise ValueError(error.detail) from error

    @field_validator("workspace_time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            return check_zone(value)
        except BadInput as error:
            raise ValueError(error.detail) from error

    @cached_property
    def signing_key(self) -> OKPKey:
        """The key that tokens are signed with."""
        return OKPKey.import_key((self.secrets / "signing.key").read_bytes())
