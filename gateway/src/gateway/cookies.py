"""The browser's cookies: the session, and what it wrote last. Pure.

The session's cookie cannot be read by scripts. A form or a script proves that it is ours by sending
back the CSRF token, which is derived from the session and which only our own pages contain.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

SEEN = "everlog_seen"
_SEEN_MOST = 8
_SEEN_FOR_S = 60
_SESSION_KEPT_FOR_S = 30 * 24 * 3600


def csrf_of(secret: str) -> str:
    """The CSRF token of a session; the session cannot be told from it."""
    digest = hashlib.sha256(b"everlog csrf " + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def is_csrf(secret: str, token: str) -> bool:
    """Whether a CSRF token belongs to a session."""
    return hmac.compare_digest(csrf_of(secret).encode(), token.encode())


def parse(header: str) -> dict[str, str]:
    """Name → value; of cookies with the same name the first."""
    found: dict[str, str] = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            found.setdefault(name, value.strip('"'))
    return found


@dataclass(frozen=True, slots=True)
class Cookies:
    """How cookies are named and set: over plain http a browser refuses __Host- and Secure."""

    https: bool

    @property
    def session(self) -> str:
        """The name of the session's cookie."""
        return "__Host-everlog_session" if self.https else "everlog_session"

    def _line(self, name: str, value: str, max_age_s: int) -> str:
        secure = "; Secure" if self.https else ""
        return f"{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"

    def put_session(self, secret: str) -> str:
        """The Set-Cookie header that signs in. How long the session lasts, identity decides."""
        return self._line(self.session, secret, _SESSION_KEPT_FOR_S)

    def drop_session(self) -> str:
        """The Set-Cookie header that signs out."""
        return self._line(self.session, "", 0)

    def put_seen(self, before: tuple[str, ...], wrote: list[str]) -> str:
        """The Set-Cookie header that remembers the tokens of the last writes."""
        tokens = [token.strip() for line in (*before, *wrote) for token in line.split(",")]
        kept = tuple(dict.fromkeys(reversed(tokens)))[:_SEEN_MOST]
        return self._line(SEEN, ".".join(reversed(kept)), _SEEN_FOR_S)


def seen_of(cookies: Mapping[str, str]) -> tuple[str, ...]:
    """The Everlog-Tokens in the cookie; a dot is what no token contains."""
    return tuple(token for token in cookies.get(SEEN, "").split(".") if token)


def same_origin(headers: Mapping[bytes, bytes], public_url: str) -> bool | None:
    """Whether a browser says that the request comes from our own pages; None if it says nothing."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    if origin is None:
        return None
    theirs = urlsplit(origin.decode("latin-1"))
    host = headers.get(b"host", b"").decode("latin-1")
    return theirs.netloc == host or origin.decode("latin-1") == public_url.rstrip("/")
