"""Letters as they go over the wire."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import ValidationError

from campaigns.domain.wording import Filled
from campaigns.sending.letter import (
    BadAddress,
    Letter,
    Series,
    Stationery,
    broadcast_letter,
    reader_address,
)
from campaigns.sending.links import Links, Target
from campaigns.settings import CampaignSettings
from chassis.ids import new_id
from chassis.vault import Keyring

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
LINKS = Links(Keyring(b"k" * 32), "https://a-rather-long-name.crm.example.com")
STATIONERY = Stationery(
    Address("Bücher & Co", "news", "books.example.com"), "help@books.example.com", "b@b.example.com"
)
SERIES = Series(new_id(), new_id(), "Новости и Offers")
MESSAGE = new_id()
FILLED = Filled("Grüße an dich — " + "lang" * 40, "<p>Grüße</p>", "Grüße\n.\nEnde\n")


def posted(to: Address) -> Letter:
    return broadcast_letter(STATIONERY, SERIES, MESSAGE, to, FILLED, LINKS, NOON)


def parsed(letter: Letter) -> EmailMessage:
    return email.message_from_bytes(letter.content, policy=email.policy.default)


def test_lines_are_short_and_everything_can_be_read_again() -> None:
    letter = posted(reader_address("Ада Lovelace, Jr.", "ada@example.org"))
    assert all(len(line) <= 998 for line in letter.content.split(b"\r\n"))
    assert b"\n" not in letter.content.replace(b"\r\n", b"")
    assert letter.content.isascii()
    mail = parsed(letter)
    assert mail["Subject"] == FILLED.subject
    assert str(mail["From"]) == "Bücher & Co <news@books.example.com>"
    assert mail["To"].addresses[0].display_name == "Ада Lovelace, Jr."
    assert mail["Reply-To"] == "help@books.example.com"
    text, html = mail.iter_parts()
    contents = [part.get_content().replace("\r\n", "\n") for part in (text, html)]
    assert contents == [FILLED.text, FILLED.html]


def test_the_headers_that_mail_programs_act_on_are_written_plainly() -> None:
    head = posted(reader_address("", "ada@example.org")).content.partition(b"\r\n\r\n")[0]
    assert b"=?" not in head.partition(b"MIME-Version")[0].partition(b"From:")[0]
    target = Target(SERIES.workspace, MESSAGE)
    one_click = f"List-Unsubscribe: <{LINKS.unsubscribe(target)}>\r\n"
    assert one_click.encode() in head
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head
    assert b"List-Id: <offers." in head
    assert f"Message-ID: <{MESSAGE}@books.example.com>".encode() in head


def test_no_letter_asks_for_an_answer_that_nobody_acts_on() -> None:
    assert b"mailto:" not in posted(reader_address("Ada", "ada@example.org")).content


def test_bounces_go_to_a_mailbox_that_somebody_reads() -> None:
    letter = posted(reader_address("Ada", "ada@example.org"))
    assert letter.return_path == "b@b.example.com"
    told: dict[str, Any] = {"listen": "h:1", "kafka": "k", "postgres": "p", "secrets": "/s"}
    books = CampaignSettings(mail_from="Books <news@bücher.example>", **told)
    assert books.returns == "news@xn--bcher-kva.example"
    set_apart = CampaignSettings(mail_returns="Bounces <back@books.example.com>", **told)
    assert set_apart.returns == "back@books.example.com"
    with pytest.raises(ValidationError, match="must be an address"):
        CampaignSettings(mail_returns="books.example.com", **told)


def test_addresses_beyond_ascii_are_sent_as_servers_take_them() -> None:
    assert posted(reader_address("", "ada@bücher.example")).to == "ada@xn--bcher-kva.example"
    assert not posted(reader_address("", "ada@bücher.example")).utf8
    letter = posted(reader_address("", "jürgen@example.org"))
    assert (letter.to, letter.utf8) == ("jürgen@example.org", True)


def test_a_name_cannot_smuggle_in_a_header() -> None:
    letter = posted(reader_address("Ada\r\nBcc: all@example.com", "ada@example.org"))
    assert parsed(letter)["Bcc"] is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@localhost",
        "a b@example.org",
        "ada@exa mple.org",
        "ada@example.org, bob@example.org",
        "ada@example.org\r\nBcc: x@example.org",
        "ada@.example.org",
        "<ada@example.org>",
        "ada@" + "x" * 70 + ".org",
        "a" * 65 + "@example.org",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        reader_address("Ada", address)
