"""The mail sink: takes every mail and keeps it in a Maildir, so that nobody is mailed by accident.

The envelope, which is what a mail server goes by, is kept in the headers X-Envelope-From and
X-Envelope-To at the top of each mail.
"""

from __future__ import annotations

import asyncio
import logging
import mailbox
import os
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from chassis import logs
from everlog.home import Home

_log = logging.getLogger("everlog.mailbox")
_BYTES_MAX = 25 << 20


class Keeper:
    """Puts each mail into the Maildir before it is acknowledged."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("new", "cur", "tmp"):  # the stdlib makes them only in a directory it makes
            (path / name).mkdir(mode=0o700, exist_ok=True)
        self._maildir = mailbox.Maildir(path, create=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep one mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        self._maildir.add(_envelope_headers(envelope) + content)
        _log.info("mail of %d bytes for %d recipients", len(content), len(envelope.rcpt_tos))
        return "250 kept"


def _envelope_headers(envelope: Envelope) -> bytes:
    # Addresses come from the SMTP dialogue, one line each: they cannot hold a line break.
    recipients = ", ".join(envelope.rcpt_tos)
    headers = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {recipients}\r\n"
    return headers.encode("utf-8", "surrogateescape")


async def serve(path: Path, host: str, port: int) -> None:
    """Take mails until asked to stop."""
    keeper = Keeper(path)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(
        lambda: SMTP(
            keeper,
            data_size_limit=_BYTES_MAX,
            enable_SMTPUTF8=True,
            hostname="everlog.localhost",
            ident="Everlog mail sink",
            loop=loop,
        ),
        host,
        port,
    )
    _log.info("taking mails on %s:%d", host, port)
    async with server:
        await stop.wait()


def main() -> int:
    """`python -m everlog mailbox`."""
    logs.configure("mailbox")
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # a line per command otherwise
    home = Home.of(os.environ)
    host, _, port = os.environ.get("EVERLOG_LISTEN", "127.0.0.1:8090").rpartition(":")
    path = Path(os.environ.get("EVERLOG_MAILBOX") or home.mailbox)
    asyncio.run(serve(path, host, int(port)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
