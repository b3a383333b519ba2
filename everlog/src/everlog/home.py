"""EVERLOG_HOME: where one copy of Everlog keeps its state, its secrets and its ports."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from embedded.errors import Trouble

CHECKOUT = Path(__file__).resolve().parents[3]

DEFAULT_PORT = 8080
SMTP_OFFSET = 10
POSTGRES_OFFSET = 20
KAFKA_OFFSET = 21
KAFKA_CONTROLLER_OFFSET = 22
PORTS = 23  # from the gateway's to the last derived one

# PostgreSQL may run under another account and has to walk through the home itself.
_OPEN_DIRECTORIES = ("", "postgres")
_CLOSED_DIRECTORIES = ("secrets", "run", "logs", "mailbox", "kafka")


@dataclass(frozen=True, slots=True)
class Credentials:
    """How the first administrator signs in."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Ensured:
    """What `ensure` did. `password_is_new`: the one time to show it; `remarks`: what to tell."""

    password_is_new: bool
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Home:
    """One copy of Everlog. Every port it uses is `port` plus a fixed offset."""

    path: Path
    port: int
    environ: Mapping[str, str] = field(repr=False)  # it holds passwords

    @classmethod
    def of(cls, environ: Mapping[str, str], port: int | None = None) -> Home:
        """The home that the environment names; `port` outdoes EVERLOG_PORT."""
        default = CHECKOUT if (CHECKOUT / "pyproject.toml").exists() else Path.cwd()
        path = Path(environ.get("EVERLOG_HOME") or default / ".everlog").expanduser().absolute()
        return cls(path, port or _port_of(environ), dict(environ))

    @property
    def secrets(self) -> Path:
        """The directory of the keys."""
        return self.path / "secrets"

    @property
    def run(self) -> Path:
        """The directory of pid files and of the supervisor's status."""
        return self.path / "run"

    @property
    def mailbox(self) -> Path:
        """The Maildir of the mail sink."""
        return self.path / "mailbox"

    @property
    def credentials_file(self) -> Path:
        """The first administrator's e-mail address and password."""
        return self.path / "credentials"

    @property
    def url(self) -> str:
        """Where people find this copy."""
        return f"http://127.0.0.1:{self.port}"

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return self.path / "logs" / f"{name}.log"

    @property
    def own_postgres(self) -> bool:
        """Whether the database is started by Everlog."""
        return not self.environ.get("EVERLOG_POSTGRES")

    @property
    def own_kafka(self) -> bool:
        """Whether the broker is started by Everlog."""
        return not self.environ.get("EVERLOG_KAFKA")

    @property
    def own_smtp(self) -> bool:
        """Whether mails go to the sink instead of out into the world."""
        return not self.environ.get("EVERLOG_SMTP")

    @property
    def kafka(self) -> str:
        """Kafka's bootstrap address."""
        return self.environ.get("EVERLOG_KAFKA") or f"127.0.0.1:{self.port + KAFKA_OFFSET}"

    @property
    def smtp(self) -> str:
        """The mail server's address."""
        return self.environ.get("EVERLOG_SMTP") or f"smtp://127.0.0.1:{self.port + SMTP_OFFSET}"

    @property
    def postgres_admin(self) -> str:
        """The database server's address with the superuser's name and password."""
        if given := self.environ.get("EVERLOG_POSTGRES"):
            return given
        password = quote(self.postgres_password(), safe="")
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port + POSTGRES_OFFSET}/postgres"

    @property
    def postgres(self) -> str:
        """The database server's address without a user: every service has roles of its own."""
        parts = urlsplit(self.postgres_admin)
        address = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=address, path=""))

    def postgres_password(self) -> str:
        """The superuser's password."""
        return (self.secrets / "postgres.password").read_text().strip()

    def ensure(self) -> Ensured:
        """Make the directories, the keys and the credentials that are missing.

        Raises Trouble if one is missing, or damaged, without which what is there is no good.
        """
        try:
            self._make_directories()
        except OSError as error:
            raise Trouble(
                f"EVERLOG_HOME cannot be used: {error}",
                "Set EVERLOG_HOME to a directory you may write to.",
            ) from error
        is_new = not self._holds_data()
        if not is_new:
            self._require_master_key()
            self._require_postgres_password()
        _write_once(self.secrets / "master.key", lambda: secrets.token_hex(32))
        _write_once(self.secrets / "postgres.password", lambda: secrets.token_urlsafe(24))
        remarks = self._ensure_signing_pair()
        password_is_new = _write_once(self.credentials_file, self._first_credentials)
        return Ensured(password_is_new, () if is_new else remarks)

    def _holds_data(self) -> bool:
        """Whether this home was made before: something of it would be lost with its keys."""
        names = ("credentials", "sample", "secrets/signing.key", "secrets/verify.pem")
        stores = ("postgres/data", "kafka")
        return any((self.path / name).exists() for name in names) or any(
            next((self.path / name).glob("*"), None) is not None for name in stores
        )

    def _require_master_key(self) -> None:
        key = self.secrets / "master.key"
        advice = (
            "All personal data of this home is sealed with it, and nobody can sign in without it: "
            "a new one would open nothing. Put the file back from your copy (64 hexadecimal "
            "digits, readable by its owner alone) and start again. If there is no copy, what it "
            f"sealed is lost for good: move {self.path} away to begin with an empty one."
        )
        if not key.exists():
            raise Trouble(f"{key} is missing, in a home that holds data already.", advice)
        try:
            whole = len(bytes.fromhex(key.read_text().strip())) == 32
        except ValueError:
            whole = False
        if not whole:
            raise Trouble(f"{key} is damaged: it must be 64 hexadecimal digits.", advice)

    def _require_postgres_password(self) -> None:
        if not self.own_postgres or (self.secrets / "postgres.password").exists():
            return
        raise Trouble(
            f"{self.secrets / 'postgres.password'} is missing, in a home that has a database.",
            "The database would refuse a new one. Put the file back from your copy, or set "
            "another password in both places: docs/runbook.md, 'The database's password is lost'.",
        )

    def _ensure_signing_pair(self) -> tuple[str, ...]:
        """A lost half is made anew, and the other one with it if need be: that is harmless."""
        signing, verifying = self.secrets / "signing.key", self.secrets / "verify.pem"
        made = _write_once(signing, _new_signing_key)
        public = self._verifying_key()
        if verifying.exists() and verifying.read_text() == public:
            return ()
        verifying.unlink(missing_ok=True)
        _write_once(verifying, lambda: public)
        what = "secrets/signing.key was missing" if made else "secrets/verify.pem did not fit"
        return (
            f"{what}: {'a new pair was' if made else 'it was'} made. Sessions go on; tokens that "
            "were signed before, for a few minutes each, are refused. If Everlog runs: make down, "
            "make up.",
        )

    def _make_directories(self) -> None:
        for name in _OPEN_DIRECTORIES:
            (self.path / name).mkdir(parents=True, exist_ok=True)
        for name in _CLOSED_DIRECTORIES:
            (self.path / name).mkdir(mode=0o700, exist_ok=True)

    def _verifying_key(self) -> str:
        private = load_pem_private_key((self.secrets / "signing.key").read_bytes(), password=None)
        public = private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def _first_credentials(self) -> str:
        email = self.environ.get("EVERLOG_ADMIN_EMAIL") or "admin@example.com"
        password = self.environ.get("EVERLOG_ADMIN_PASSWORD") or secrets.token_urlsafe(12)
        return f"EVERLOG_ADMIN_EMAIL={email}\nEVERLOG_ADMIN_PASSWORD={password}\n"

    def credentials(self) -> Credentials:
        """The first administrator's, as they were when this home was made."""
        lines = self.credentials_file.read_text().splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        return Credentials(values["EVERLOG_ADMIN_EMAIL"], values["EVERLOG_ADMIN_PASSWORD"])


def _port_of(environ: Mapping[str, str]) -> int:
    text = environ.get("EVERLOG_PORT") or str(DEFAULT_PORT)
    # The highest offset has to stay a port, and a port below 1024 needs root.
    if not text.isdecimal() or not 1024 <= int(text) <= 65536 - PORTS:
        raise Trouble(
            f"EVERLOG_PORT is {text!r}, which is not a port Everlog can use.",
            f"Set it to a number from 1024 to {65536 - PORTS}.",
        )
    return int(text)


def _new_signing_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _write_once(path: Path, make: Callable[[], str]) -> bool:
    """Write a file for the owner's eyes only, unless it is there already."""
    if path.exists():
        return False
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(make())
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    return True
