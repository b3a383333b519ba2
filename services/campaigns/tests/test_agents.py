"""Programs are told apart by what they call themselves."""

from __future__ import annotations

import pytest

from campaigns.domain.agents import MACHINES, class_of

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.parametrize(
    ("user_agent", "expected", "machine"),
    [
        (FIREFOX, "browser", False),
        ("Mozilla/5.0", "apple-privacy", True),
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com "
            "GoogleImageProxy)",
            "gmail-proxy",
            False,
        ),
        (
            "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
            "yahoo-proxy",
            False,
        ),
        ("Barracuda Sentinel (EE)", "scanner", True),
        ("Microsoft Office Existence Discovery", "scanner", True),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", "bot", True),
        ("Mozilla/5.0 (Windows NT 6.1) SkypeUriPreview Preview/0.5", "bot", True),
        ("Mozilla/5.0 (X11) HeadlessChrome/120", "bot", True),
        ("", "none", True),
        ("python-requests/2.32", "script", False),
        ("Mozilla/5.0 (Windows) Thunderbird/128.0", "mail-program", False),
        ("Something/1.0", "other", False),
    ],
)
def test_a_program_has_a_class_and_some_classes_are_machines(
    user_agent: str, expected: str, machine: bool
) -> None:
    assert class_of(user_agent) == expected
    assert (expected in MACHINES) is machine


def test_a_browser_that_fetches_ahead_is_a_machine() -> None:
    assert class_of(FIREFOX, "prefetch;prerender") == "prefetch"
