"""Security headers on every answer, and where a request comes from."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Message, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-src 'self'",
        "frame-ancestors 'none'",
    )
)
"""What our own pages may load and run. An answer that brings its own policy keeps it."""

FRAMED = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""For a mail shown inside one of our pages: it may look as it likes, but do nothing. Its pictures
are not loaded either: to look at a mail here is not to open it."""


class Secured:
    """Wraps `send`."""

    def __init__(self, https: bool) -> None:
        self._always = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"strict-origin-when-cross-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
        ]
        if https:
            line = b"max-age=63072000; includeSubDomains"
            self._always.append((b"strict-transport-security", line))
        self._policy = [
            (b"content-security-policy", POLICY.encode()),
            (b"x-frame-options", b"DENY"),
        ]

    def __call__(self, scope: Scope, send: Send) -> Send:
        """`send` that adds them. Answers of the API are not kept by anybody."""
        api = scope["path"].startswith("/api/")

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                names = {name for name, _ in headers}
                headers += self._always
                if b"content-security-policy" not in names:
                    headers += self._policy
                if api and b"cache-control" not in names:
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        return secured


def client_address(scope: Scope, headers: Mapping[bytes, bytes], trusted_proxies: int) -> str:
    """The address a request comes from: what the last proxy we trust says, else the socket's."""
    if trusted_proxies:
        said = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
        if len(said) >= trusted_proxies and said[-trusted_proxies].strip():
            return said[-trusted_proxies].strip()[:64]
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
