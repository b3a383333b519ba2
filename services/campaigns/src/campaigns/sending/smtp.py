"""The mail server: a few connections, many letters over each, and what it says to each letter."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPResponseException,
)

from campaigns.sending.letter import Letter
from chassis.errors import EverlogError

_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_AWAY = (SMTPException, OSError, TimeoutError)


class MailServerAway(EverlogError):
    """The mail server takes nothing at the moment, from us or from anybody."""


class Unsure(EverlogError):
    """The connection broke while the letter was being handed over: nobody knows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the server says to a letter: it took it, will later, never will, or takes none of ours.

    `status`: the enhanced status code. The words are left out: they may name the reader.
    """

    said: Literal["taken", "later", "never", "away"]
    code: int = 250
    status: str | None = None

    @property
    def reason(self) -> str:
        """As a word."""
        return f"smtp-{self.code}"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where the mail server is and how to sign in."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    starttls: bool | None

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """From smtp://, smtps:// or smtp+starttls://. Raises ValueError."""
        parts = urlsplit(url)
        ports = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
        if parts.scheme not in ports or not parts.hostname:
            raise ValueError("EVERLOG_SMTP must be like smtp://user:password@host:port")
        return cls(
            parts.hostname,
            parts.port or ports[parts.scheme],
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
            parts.scheme == "smtps",
            {"smtp+starttls": True, "smtps": False}.get(parts.scheme),
        )


class PostOffice:
    """Keeps connections to the mail server open while there is something to send."""

    def __init__(self, server: MailServer, *, timeout_s: float, per_connection: int) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._per_connection = per_connection
        self._idle: list[_Line] = []

    @asynccontextmanager
    async def line(self) -> AsyncIterator[_Line]:
        """A connection that answers. Raises MailServerAway."""
        line = await self._open()
        try:
            yield line
        finally:
            if line.usable and line.used < self._per_connection:
                self._idle.append(line)
            else:
                await line.close()

    async def _open(self) -> _Line:
        while self._idle:
            line = self._idle.pop()
            if await line.answers():
                return line
            await line.close()
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            timeout=self._timeout_s,
            use_tls=server.tls,
            start_tls=server.starttls,
        )
        try:
            await client.connect()
        except _AWAY as error:
            client.close()
            raise MailServerAway(_told(error)) from error
        return _Line(client)

    async def close(self) -> None:
        """Say goodbye."""
        while self._idle:
            await self._idle.pop().close()


class _Line:
    """One connection."""

    def __init__(self, client: SMTP) -> None:
        self._client = client
        self.used = 0
        self.usable = True

    async def answers(self) -> bool:
        """Whether it is still there."""
        try:
            return (await self._client.noop()).code == 250
        except _AWAY:
            return False

    async def deliver(self, letter: Letter) -> Verdict:
        """Hand a letter over. Raises Unsure if nobody knows whether it was taken."""
        self.used += 1
        try:
            await self._address(letter)
        except _NotTaken as refusal:
            return refusal.verdict
        except (SMTPException, OSError, TimeoutError, UnicodeError):
            self.usable = False
            return Verdict("away", 421)
        try:
            await self._client.data(letter.content)
        except SMTPResponseException as error:
            return await self._not_taken(error)
        except (SMTPException, OSError, TimeoutError) as error:
            self.usable = False
            raise Unsure(type(error).__name__) from error
        return Verdict("taken")

    async def _address(self, letter: Letter) -> None:
        if letter.utf8 and not self._client.supports_extension("smtputf8"):
            raise _NotTaken(Verdict("never", 553, "5.6.7"))
        options = ["SMTPUTF8"] if letter.utf8 else None
        encoding = "utf-8" if letter.utf8 else "ascii"
        try:
            await self._client.mail(letter.return_path, options=options, encoding=encoding)
        except SMTPResponseException as error:
            # It is us whom it does not take, not this reader: no reason to give the reader up.
            self.usable = False
            raise _NotTaken(Verdict("away", error.code, _status(error.message))) from error
        try:
            await self._client.rcpt(letter.to, encoding=encoding)
        except SMTPResponseException as error:
            raise _NotTaken(await self._not_taken(error)) from error

    async def _not_taken(self, error: SMTPResponseException) -> Verdict:
        said: Literal["later", "never"] = "never" if 500 <= error.code < 600 else "later"
        if error.code == 421:  # it is hanging up
            self.usable = False
        else:
            try:
                await self._client.rset()
            except _AWAY:
                self.usable = False
        return Verdict(said, error.code, _status(error.message))

    async def close(self) -> None:
        """Say goodbye, without insisting on an answer."""
        with suppress(*_AWAY):
            async with asyncio.timeout(2):
                await self._client.quit()
        self._client.close()


class _NotTaken(Exception):
    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.said)
        self.verdict = verdict


def _status(message: str) -> str | None:
    found = _STATUS.search(message)
    return found[0] if found else None


def _told(error: BaseException) -> str:
    """What went wrong while connecting: no reader is known yet, so the words may be kept."""
    return f"{type(error).__name__}: {str(error)[:200]}"
