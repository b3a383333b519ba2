"""The gateway's settings; built once, in __main__, from the environment, and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class GatewaySettings(BaseSettings):
    """Environment variables EVERLOG_*. Of `secrets` it reads only verify.pem."""

    model_config = SettingsConfigDict(env_prefix="EVERLOG_", frozen=True, extra="ignore")

    listen: str = Field(description="host:port the gateway listens on; loopback by default.")
    services: str = Field(description="name=http://host:port of each service, by commas.")
    secrets: Path = Field(description="Directory with identity's public key, verify.pem.")
    public_url: str = Field(
        default="http://127.0.0.1:8080", description="Where users reach the gateway."
    )
    mailbox: Path | None = Field(
        default=None, description="The Maildir of the mail sink, if there is one: shown under Ops."
    )
    home: Path | None = Field(
        default=None, description="Where everything lies, if it is on this machine: for its disk."
    )
    sign_ins_per_minute: int = Field(
        default=20, ge=1, description="Failed sign-ins per minute from one address at most."
    )
    trusted_proxies: int = Field(
        default=0, ge=0, description="Reverse proxies before the gateway that set X-Forwarded-For."
    )

    @field_validator("services")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        for part in filter(None, (part.strip() for part in value.split(","))):
            name, _, url = part.partition("=")
            if not name or urlsplit(url).scheme not in ("http", "https"):
                raise ValueError(f"{part!r} must be written name=http://host:port")
        return value

    @property
    def upstreams(self) -> Mapping[str, str]:
        """Where each service answers: name → http://host:port."""
        parts = (part.strip().partition("=") for part in self.services.split(",") if part.strip())
        return {name: url.rstrip("/") for name, _, url in parts}

    @property
    def host(self) -> str:
        """The host in `listen`."""
        return urlsplit(f"//{self.listen}").hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        """The port in `listen`."""
        return urlsplit(f"//{self.listen}").port or 8080

    @property
    def https(self) -> bool:
        """Whether users reach the gateway over TLS."""
        return urlsplit(self.public_url).scheme == "https"
