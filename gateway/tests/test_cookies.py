"""Cookies: what they are called, what they hold, who may send them."""

from __future__ import annotations

from gateway.cookies import Cookies, csrf_of, is_csrf, parse, same_origin, seen_of


def test_over_tls_the_cookie_cannot_be_set_by_anybody_else() -> None:
    line = Cookies(https=True).put_session("s3cret")
    assert line.startswith("__Host-everlog_session=s3cret; Path=/; ")
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(line.split("; "))
    plain = Cookies(https=False).put_session("s3cret")
    assert plain.startswith("everlog_session=s3cret; ")
    assert "Secure" not in plain


def test_signing_out_drops_the_cookie() -> None:
    assert "Max-Age=0" in Cookies(https=False).drop_session()


def test_the_csrf_token_belongs_to_the_session_and_does_not_betray_it() -> None:
    token = csrf_of("everlog_s_one")
    assert is_csrf("everlog_s_one", token)
    assert not is_csrf("everlog_s_two", token)
    assert not is_csrf("everlog_s_one", "é")
    assert "one" not in token


def test_cookies_are_read_as_they_are_sent() -> None:
    assert parse('a=1; b="2";c=3; a=9; broken') == {"a": "1", "b": "2", "c": "3", "broken": ""}


def test_the_last_writes_are_remembered_each_once() -> None:
    cookies = Cookies(https=False)
    line = cookies.put_seen(("deal-1@2", "deal-2@1"), ["deal-1@2", "deal-3@9"])
    seen = seen_of(parse(line.partition(";")[0]))
    assert seen == ("deal-2@1", "deal-1@2", "deal-3@9")
    both = cookies.put_seen((), ["person-1@1,company-1@1"])
    assert seen_of(parse(both.partition(";")[0])) == ("person-1@1", "company-1@1")
    many = tuple(f"deal-{n}@1" for n in range(20))
    kept = seen_of(parse(cookies.put_seen(many, ["deal-99@1"]).partition(";")[0]))
    assert kept[-1] == "deal-99@1"
    assert len(kept) == 8
    assert seen_of({}) == ()


def test_a_browser_tells_where_a_request_comes_from() -> None:
    ours = "https://crm.example.com"
    assert same_origin({b"sec-fetch-site": b"same-origin"}, ours) is True
    assert same_origin({b"sec-fetch-site": b"cross-site"}, ours) is False
    assert same_origin({b"origin": b"https://crm.example.com"}, ours) is True
    assert same_origin({b"origin": b"http://x:1", b"host": b"x:1"}, ours) is True
    assert same_origin({b"origin": b"https://evil.example", b"host": b"x:1"}, ours) is False
    assert same_origin({}, ours) is None
