"""The outermost layer: who asks, may the browser ask so, which way does it go. Plain ASGI.

api paths   → the service that the table in gateway.routing names, or the gateway's own app
/t/ and /u/ → campaigns, without a token
the rest    → the web UI

Whoever brings a session or API token goes on with a signed token that services verify themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.errors import DomainError, Forbidden, NotFound, Unauthenticated
from chassis.http.problems import of_error
from chassis.ids import new_id
from gateway.backend import Backend, Caller
from gateway.bodies import MOST, MOST_IMPORT, limited, whole
from gateway.cookies import Cookies, csrf_of, is_csrf, parse, same_origin, seen_of
from gateway.forms import csrf_in_form
from gateway.headers import Secured, client_address
from gateway.proxy import Proxy, Target
from gateway.routing import API, COMPOSED, PREFIXES, PUBLIC, is_plain, word_of
from gateway.settings import GatewaySettings
from gateway.sign_ins import SignIns
from gateway.tokens import Exchanged

log = structlog.get_logger("edge")

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HEALTH = frozenset({"/livez", "/readyz", "/metrics"})
_REQUEST_ID = re.compile(rb"^[\w.:/+=-]{1,128}$")


@dataclass(slots=True)
class Asked:
    """A request as the edge has understood it."""

    scope: Scope
    receive: Receive
    send: Send
    headers: Mapping[bytes, bytes]
    cookies: Mapping[str, str]
    address: str
    secret: str | None = None
    by_cookie: bool = False
    exchanged: Exchanged | None = None

    @property
    def method(self) -> str:
        """GET, POST, …"""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """The decoded path."""
        return str(self.scope["path"])


class Edge:
    """See the module."""

    def __init__(self, settings: GatewaySettings, backend: Backend, own: ASGIApp) -> None:
        self._settings = settings
        self._backend = backend
        self._own = own
        self._proxy = Proxy(backend)
        self._cookies = Cookies(settings.https)
        self._sign_ins = SignIns(settings.sign_ins_per_minute)
        self._secured = Secured(settings.https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            return
        headers = dict(scope["headers"])
        address = client_address(scope, headers, self._settings.trusted_proxies)
        cookies = parse(headers[b"cookie"].decode("latin-1")) if b"cookie" in headers else {}
        asked = Asked(scope, receive, self._secured(scope, send), headers, cookies, address)
        try:
            await self._route(asked)
        except DomainError as error:
            await of_error(error, asked.path)(scope, receive, asked.send)

    async def _route(self, asked: Asked) -> None:
        path = asked.path
        if path in _HEALTH:
            await self._own(asked.scope, asked.receive, asked.send)
            return
        if not is_plain(asked.scope.get("raw_path", b"").decode("latin-1") or path):
            raise NotFound("There is nothing at this path.")
        most = MOST_IMPORT if path.startswith("/api/v1/imports") else MOST
        asked.receive = limited(asked.receive, most, asked.headers.get(b"content-length"))
        first, _, rest = path[1:].partition("/")
        if first in PUBLIC and rest:
            asked.scope["route"] = _Route(f"/{first}/{{path}}")
            await self._forward(asked, PUBLIC[first])
        elif first == "api":
            await self._api(asked)
        else:
            await self._web(asked)

    async def _api(self, asked: Asked) -> None:
        word = word_of(asked.path)
        service = PREFIXES.get(word)
        if service is None and word not in COMPOSED and asked.path != "/api/openapi.json":
            raise NotFound(
                "There is nothing at this path. See /api/openapi.json for what there is."
            )
        if service is not None:
            rest = "" if asked.path == f"{API}/{word}" else "/{path}"
            asked.scope["route"] = _Route(f"{API}/{word}{rest}")
        if not _is_sign_in(asked):  # whatever token a browser still has does not matter then
            await self._authenticate(asked)
        if asked.by_cookie and asked.method not in _SAFE:
            self._refuse_forgery(asked, asked.headers.get(b"x-csrf-token", b"").decode("latin-1"))
        if service is None:
            await self._to_own(asked)
        elif service == "identity":
            await self._to_identity(asked)
        else:
            await self._forward(asked, service)

    async def _web(self, asked: Asked) -> None:
        try:
            await self._authenticate(asked)
        except Unauthenticated:
            asked.secret = asked.exchanged = None  # the pages show the sign-in
        if asked.method not in _SAFE:
            if same_origin(asked.headers, self._settings.public_url) is False:
                raise _forged()
            if asked.by_cookie and asked.exchanged is not None:
                await self._check_form(asked)
        await self._to_own(asked)

    async def _authenticate(self, asked: Asked) -> None:
        """Find out who asks. Nobody is fine: what needs somebody refuses by itself."""
        authorization = asked.headers.get(b"authorization")
        if authorization is not None:
            scheme, _, token = authorization.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated("Send a token as 'Authorization: Bearer everlog_…'.")
            asked.secret = token.strip()
        elif self._cookies.session in asked.cookies:
            asked.secret = asked.cookies[self._cookies.session]
            asked.by_cookie = True
        if asked.secret is not None:
            asked.exchanged = await self._backend.tokens.of(asked.secret)

    def _refuse_forgery(self, asked: Asked, token: str) -> None:
        """A cookie goes along with whatever any page makes a browser send: it proves nothing."""
        if same_origin(asked.headers, self._settings.public_url) is False:
            raise _forged()
        if asked.secret is None or not is_csrf(asked.secret, token):
            raise _forged()

    async def _check_form(self, asked: Asked) -> None:
        token = asked.headers.get(b"x-csrf-token", b"").decode("latin-1")
        kind = asked.headers.get(b"content-type", b"")
        if not token and kind.startswith(b"application/x-www-form-urlencoded"):
            body = await whole(asked.receive)
            token = csrf_in_form(body)
            asked.receive = _again(body, asked.receive)
        self._refuse_forgery(asked, token)

    async def _to_identity(self, asked: Asked) -> None:
        """Identity's answers change who may do what: then everything remembered is asked anew."""
        signing_in = _is_sign_in(asked)
        if signing_in:
            self._sign_ins.begin(asked.address)

        def answered(status: int) -> None:
            if signing_in and status < 400:
                self._sign_ins.succeeded(asked.address)
            elif asked.method not in _SAFE and not signing_in and status < 400:
                self._backend.tokens.forget_all()

        asked.send = _telling(asked.send, answered)
        session = asked.exchanged.session if asked.exchanged else None
        await self._forward(asked, "identity", session=session)

    async def _forward(self, asked: Asked, service: str, session: str | None = None) -> None:
        extra = [("Everlog-Client", asked.address)]
        if asked.exchanged is not None:
            extra.append(("Authorization", f"Bearer {asked.exchanged.jwt}"))
        if session is not None:
            extra.append(("Everlog-Session", session))
        if asked.by_cookie:
            self._see_own_writes(asked, extra)
        path = asked.scope.get("raw_path") or asked.path.encode()
        target = Target(service, path.decode("latin-1"), asked.scope["query_string"], extra)
        await self._proxy(asked.scope, asked.receive, asked.send, target)

    def _see_own_writes(self, asked: Asked, extra: list[tuple[str, str]]) -> None:
        """What a browser wrote is remembered for it, so that what it reads next shows it."""
        seen = seen_of(asked.cookies)
        if seen and asked.method in _SAFE and b"everlog-token" not in asked.headers:
            extra.append(("Everlog-Token", ",".join(seen)))
        if asked.method not in _SAFE:
            asked.send = _remembering(asked.send, lambda w: self._cookies.put_seen(seen, w))

    async def _to_own(self, asked: Asked) -> None:
        scope = asked.scope
        caller = self._caller(asked)
        scope["everlog.caller"] = caller
        kept = [(k, v) for k, v in scope["headers"] if k != b"authorization"]
        if asked.exchanged is not None:
            kept.append((b"authorization", f"Bearer {asked.exchanged.jwt}".encode()))
        scope["headers"] = kept
        await self._own(scope, asked.receive, self._with_cookies(asked, caller))

    def _caller(self, asked: Asked) -> Caller:
        headers = {"Everlog-Client": asked.address}
        for name in ("X-Request-ID", "User-Agent", "Accept-Language"):
            value = asked.headers.get(name.lower().encode())
            if value is not None:
                headers[name] = value.decode("latin-1")
        if asked.exchanged is not None and asked.exchanged.session is not None:
            headers["Everlog-Session"] = asked.exchanged.session
        csrf = csrf_of(asked.secret) if asked.by_cookie and asked.secret else ""
        seen = seen_of(asked.cookies) if asked.by_cookie else ()
        return Caller(
            self._backend,
            asked.exchanged,
            address=asked.address,
            csrf=csrf,
            seen=seen,
            headers=headers,
            sign_ins=self._sign_ins,
        )

    def _with_cookies(self, asked: Asked, caller: Caller) -> Send:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                lines = []
                if caller.session_to_keep is not None:
                    lines.append(self._cookies.put_session(caller.session_to_keep))
                elif caller.signed_out or (asked.by_cookie and asked.exchanged is None):
                    lines.append(self._cookies.drop_session())
                if caller.wrote:
                    lines.append(self._cookies.put_seen(caller.seen, caller.wrote))
                cookies = [(b"set-cookie", line.encode()) for line in lines]
                message["headers"] = [*message["headers"], *cookies]
            await asked.send(message)

        return send


class _Route:
    """What metrics and traces call a forwarded request; paths with ids would be too many names."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path


class Numbered:
    """Gives every request an X-Request-ID, unless it comes with a sensible one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            given = next((v for k, v in scope["headers"] if k == b"x-request-id"), None)
            if given is None or not _REQUEST_ID.match(given):
                others = [(k, v) for k, v in scope["headers"] if k != b"x-request-id"]
                scope["headers"] = [*others, (b"x-request-id", str(new_id()).encode())]
        await self._app(scope, receive, send)


def _is_sign_in(asked: Asked) -> bool:
    return asked.method == "POST" and asked.path == "/api/v1/sessions"


def _forged() -> Forbidden:
    return Forbidden(
        "This request did not come from our own pages, or the page is older than your sign-in. "
        "Reload the page and try again; scripts use 'Authorization: Bearer everlog_…' instead.",
        code="csrf",
    )


def _telling(send: Send, answered: Callable[[int], None]) -> Send:
    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered(message["status"])
        await send(message)

    return telling


def _remembering(send: Send, line: Callable[[list[str]], str]) -> Send:
    async def remembering(message: Message) -> None:
        if message["type"] == "http.response.start":
            wrote = [v.decode("latin-1") for k, v in message["headers"] if k == b"everlog-token"]
            if wrote:
                cookie = (b"set-cookie", line(wrote).encode())
                message["headers"] = [*message["headers"], cookie]
        await send(message)

    return remembering


def _again(body: bytes, rest: Receive) -> Receive:
    """`receive` that begins with a body that was read already."""
    given = False

    async def receive() -> Any:
        nonlocal given
        if given:
            return await rest()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
