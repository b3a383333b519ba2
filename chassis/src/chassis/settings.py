"""The settings every service has; built once, in __main__, from the environment, and frozen."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Environment variables EVERLOG_*; secrets come from files."""

    model_config = SettingsConfigDict(env_prefix="EVERLOG_", frozen=True, extra="ignore")

    listen: str = Field(description="host:port the HTTP server listens on; loopback by default.")
    kafka: str = Field(description="host:port of a Kafka broker.")
    postgres: str = Field(description="postgresql://host:port of the server; no password in it.")
    secrets: Path = Field(description="Directory with master.key and verify.pem.")
    public_url: str = Field(
        default="http://127.0.0.1:8080",
        description="Where users and mail readers reach the gateway.",
    )
    connections: int = Field(default=6, ge=2, description="Database connections per role at most.")

    import_errors_days: float = Field(
        default=30.0, ge=0, description="How long rows with errors of an import can be fetched."
    )
    patience_s: float = Field(
        default=5.0,
        gt=0,
        description="How long a request waits for the database: for a connection, a statement.",
    )

    @property
    def host(self) -> str:
        """The host in `listen`."""
        return urlsplit(f"//{self.listen}").hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        """The port in `listen`."""
        return urlsplit(f"//{self.listen}").port or 8000
