"""The mail sink keeps every mail, with its envelope."""

from __future__ import annotations

import mailbox
import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from embedded.ports import free_port
from everlog.services import is_ready


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    env = {
        **os.environ,
        "EVERLOG_LISTEN": f"127.0.0.1:{port}",
        "EVERLOG_MAILBOX": str(tmp_path / "mailbox"),
    }
    command = [sys.executable, "-P", "-m", "everlog", "mailbox"]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not is_ready(port, "smtp"):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    yield port
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def mail(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Bücherei <shop@example.com>"
    message["To"] = "Ada <ada@example.com>"
    message["Subject"] = subject
    message.set_content("Guten Tag, schöne Grüße\n.\nfrom a line with a single dot")
    return message


def test_a_mail_is_kept_with_the_envelope_it_was_sent_in(sink: int, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", sink) as client:
        client.send_message(mail("Neu: Bücher"), "bounce+7@example.com", ["a@x.test", "b@x.test"])
    (kept,) = mailbox.Maildir(tmp_path / "mailbox", create=False)
    assert kept["X-Envelope-From"] == "bounce+7@example.com"
    assert kept["X-Envelope-To"] == "a@x.test, b@x.test"
    assert kept["To"] == "Ada <ada@example.com>"
    body = kept.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert "schöne Grüße" in body.decode()
    assert "\n.\n" in body.decode()


def test_every_mail_of_a_connection_is_kept(sink: int, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", sink) as client:
        for number in range(25):
            client.send_message(mail(f"{number}"))
    kept = {message["Subject"] for message in mailbox.Maildir(tmp_path / "mailbox", create=False)}
    assert kept == {str(number) for number in range(25)}
