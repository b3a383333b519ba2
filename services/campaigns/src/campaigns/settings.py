"""What campaigns have to be told beside what every service is: the mail server, the sender."""

from __future__ import annotations

from email.headerregistry import Address
from email.utils import parseaddr

from pydantic import Field, SecretStr, field_validator

from chassis.settings import ServiceSettings


class CampaignSettings(ServiceSettings):
    """Environment variables EVERLOG_*."""

    smtp: SecretStr = Field(
        default=SecretStr("smtp://127.0.0.1:25"),
        description="smtp://[user:password@]host[:port] of the mail server; smtps:// for TLS from "
        "the start, smtp+starttls:// to insist on it (smtp:// uses it where it is offered).",
    )
    mail_from: str = Field(
        default="Everlog <news@example.com>", description="Whom broadcasts come from."
    )
    mail_reply_to: str | None = Field(default=None, description="Where answers go, if elsewhere.")
    mail_imprint: str = Field(
        default="", description="Who sends this, with a postal address: the end of every mail."
    )
    mail_returns: str | None = Field(
        default=None,
        description="Address that bounces go to, a mailbox somebody reads; default: the sender's.",
    )
    mail_per_second: float = Field(default=50.0, gt=0, description="Mails a second at most.")
    mail_connections: int = Field(default=4, ge=1, le=50, description="Connections at a time.")
    mail_per_connection: int = Field(
        default=100, ge=1, description="Mails over one connection before it is made anew."
    )
    mail_timeout_s: float = Field(default=30.0, gt=0, description="Patience with the mail server.")
    mail_first_retry_s: float = Field(
        default=60.0, gt=0, description="First pause after 'try later'; then four times as long."
    )
    mail_uncertain_after_s: float = Field(
        default=120.0,
        gt=0,
        description="When a mail whose process died is called uncertain; more than a mail takes.",
    )

    @field_validator("mail_from", "mail_reply_to", "mail_returns")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and "@" not in parseaddr(value)[1]:
            raise ValueError("must be an address, e.g. Everlog <news@example.com>")
        return value

    @property
    def sender(self) -> Address:
        """`mail_from` in its parts."""
        return _parts_of(self.mail_from)

    @property
    def returns(self) -> str:
        """The address that bounces go to."""
        return _parts_of(self.mail_returns or self.mail_from).addr_spec


def _parts_of(text: str) -> Address:
    name, address = parseaddr(text)
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain.encode("idna").decode())
