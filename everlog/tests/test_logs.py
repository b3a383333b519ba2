"""Log files stay small, can be followed and searched."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded.launch import tail
from everlog.logs import Follower, of_trace, rotate, trace_in


def test_a_log_that_has_grown_is_moved_aside_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 100)
        rotate(log, bytes_max=100)
        writer.write(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert (tmp_path / "a.log.1").read_bytes() == b"old\n" * 100


def test_a_small_log_stays_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("little\n")
    rotate(log)
    rotate(tmp_path / "none.log")
    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


def test_a_log_that_cannot_be_moved_stays_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("all of it\n")
    (tmp_path / "a.log.1").mkdir()
    with pytest.raises(OSError, match="directory"):
        rotate(log, bytes_max=1)
    assert log.read_text() == "all of it\n"


def test_the_tail_is_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"{n}\n" for n in range(100_000)))
    assert tail(log, 2) == "99998\n99999"
    assert tail(tmp_path / "none.log") == ""


def test_a_follower_sees_whole_lines_once_and_survives_a_rotation(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("before\n")
    follower = Follower(log)
    with log.open("ab", buffering=0) as writer:
        writer.write(b"one\ntw")
        assert list(follower.new_lines()) == ["one"]
        writer.write(b"o\n")
        assert list(follower.new_lines()) == ["two"]
        rotate(log, bytes_max=1)
        writer.write(b"x\n")
        assert list(follower.new_lines()) == ["x"]


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_trace_is_collected_from_all_logs_in_the_order_of_time(tmp_path: Path) -> None:
    def line(at: str, event: str, trace: str = TRACE) -> str:
        return f'{{"timestamp":"2026-03-02T12:00:{at}Z","event":"{event}","trace_id":"{trace}"}}\n'

    gateway, contacts = tmp_path / "gateway.log", tmp_path / "contacts.log"
    gateway.write_text(line("04", "answered") + line("05", "another", "0" * 32))
    (tmp_path / "gateway.log.1").write_text(line("01", "asked") + "not JSON, " + TRACE + "\n")
    contacts.write_text(line("02", "appended") + '{"event":"about it","about":"' + TRACE + '"}\n')
    told = of_trace({"gateway": gateway, "contacts": contacts}, TRACE)
    said = [(each["process"], each["event"]) for each in told]
    assert said == [("gateway", "asked"), ("contacts", "appended"), ("gateway", "answered")]


def test_a_trace_is_known_by_its_id_and_by_the_headers_that_hold_it() -> None:
    assert trace_in(TRACE) == trace_in(f" {TRACE.upper()}\n") == TRACE
    assert trace_in(f"00-{TRACE}-00f067aa0ba902b7-01") == TRACE
    assert trace_in("01a20eb9-3193-7315-9b61-c44d98f97fb4") is None
