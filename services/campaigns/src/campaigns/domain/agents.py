"""Who fetched a picture or a link: a person's program, or a machine that reads mail for them; pure.

The class is kept on the event, not the address of the reader nor the whole user agent: enough to
count anew later, should a class turn out to be something else.
"""

from __future__ import annotations

import re

MACHINES = frozenset({"none", "apple-privacy", "prefetch", "scanner", "bot"})
"""Classes that fetch without anybody looking. `script` may be a reader's own relay: not counted
among them unless it clicks like a machine."""

_CLASSES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("apple-privacy", r"^Mozilla/5\.0$"),
        ("gmail-proxy", r"GoogleImageProxy|ggpht\.com"),
        ("yahoo-proxy", r"YahooMailProxy"),
        (
            "scanner",
            r"barracuda|proofpoint|mimecast|fireeye|trendmicro|symantec|messagelabs|sophos"
            r"|ironport|cloudmark|zscaler|safelinks|microsoft office existence discovery"
            r"|ms-office|urldefense|virustotal|checkpoint|forcepoint|fortiguard",
        ),
        (
            "bot",
            r"bot\b|crawler|spider|preview|slurp|facebookexternalhit|whatsapp|headless|monitor"
            r"|phantomjs|lighthouse",
        ),
        (
            "script",
            r"^(python|curl|wget|go-http-client|java|okhttp|libwww|node|axios|ruby|php|aiohttp"
            r"|apache-httpclient)",
        ),
        ("mail-program", r"thunderbird|outlook|msoffice|microsoft office|apple ?mail|lotus"),
        ("browser", r"mozilla|opera|webkit|gecko"),
    )
)


def class_of(user_agent: str, purpose: str = "") -> str:
    """The class of a program. `purpose`: what its `Sec-Purpose` (or `Purpose`) header says."""
    if re.search(r"prefetch|preview|prerender", purpose, re.IGNORECASE):
        return "prefetch"
    if not user_agent.strip():
        return "none"
    for name, pattern in _CLASSES:
        if pattern.search(user_agent.strip()):
            return name
    return "other"
