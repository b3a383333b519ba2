"""The gateway's client of the services: routes by path, keeps connections, carries the caller.

    answer = await backend.call("GET", "/api/v1/contacts", token=jwt, params={"limit": 20})

A page works with a `Caller`, which is one browser's request: it adds the token and what the browser
wrote last, so that a read shows it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
import structlog
from multidict import CIMultiDict, CIMultiDictProxy
from starlette.types import ASGIApp, Message
from yarl import URL

from chassis.errors import DomainError, TooManyRequests, Unavailable
from chassis.http.problems import of_error, problem
from chassis.logs import REQUEST_ID
from gateway.calls import call
from gateway.routing import API, COMPOSED, PREFIXES, word_of
from gateway.sign_ins import SignIns
from gateway.tokens import PREFIX, Exchanged, Tokens

log = structlog.get_logger("backend")

POOL_KEEPS_S = 30.0
"""Shorter than the services keep idle connections: none is used that they have just closed."""
_CONNECTIONS_MOST = 100
_NO_ANSWER_S = 75.0
"""Longer than the longest wait a service offers (30 s)."""

_LOGGED_EVERY_S = 10.0

CANNOT_REACH = (aiohttp.ClientConnectionError, ConnectionError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return self.status < 400

    def json(self) -> Any:
        """The body as Python data; None if there is none."""
        return msgspec.json.decode(self.body) if self.body else None


@dataclass(slots=True)
class Request:
    """A request to a service, before it is sent."""

    method: str
    path: str
    token: str | None = None
    json: Any = None
    content: Any = None
    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def all_headers(self) -> dict[str, str]:
        """Its headers, with token, content type and the number of the request that led to it."""
        headers = dict(self.headers)
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.json is not None:
            headers.setdefault("Content-Type", "application/json")
        request_id = REQUEST_ID.get()
        if request_id and not any(name.lower() == "x-request-id" for name in headers):
            headers["X-Request-ID"] = request_id
        return headers

    def body(self) -> Any:
        """What is sent: JSON, or the content as it is (bytes, a stream, a form)."""
        return self.content if self.json is None else msgspec.json.encode(self.json)

    def query(self) -> str:
        """The parameters, without those that are None."""
        given = [(k, v) for k, v in (self.params or {}).items() if v is not None]
        return urlencode(given, doseq=True)


class Backend:
    """All services behind one `call`. `own`: the app that answers what the gateway composes."""

    def __init__(self, upstreams: Mapping[str, str]) -> None:
        self.upstreams = dict(upstreams)
        self.own: ASGIApp | None = None
        self.tokens = Tokens(self._exchange)
        self._session: aiohttp.ClientSession | None = None
        self._logged: dict[str, float] = {}

    async def start(self) -> None:
        """Open the pool of connections."""
        connector = aiohttp.TCPConnector(
            limit=0, limit_per_host=_CONNECTIONS_MOST, keepalive_timeout=POOL_KEEPS_S
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept", "Content-Type"),
            timeout=aiohttp.ClientTimeout(total=None, connect=5, sock_read=_NO_ANSWER_S),
        )

    async def stop(self) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The pool. Raises RuntimeError before `start`."""
        if self._session is None:
            raise RuntimeError("the backend is not started")
        return self._session

    def address(self, service: str) -> str:
        """Where a service answers. Raises Unavailable if this installation does not run it."""
        url = self.upstreams.get(service)
        if url is None:
            raise Unavailable(
                f"This installation does not run the service {service}. Ask its operator.",
                retry_after_s=60,
            )
        return url

    def unreachable(self, service: str, error: BaseException) -> Unavailable:
        """What a caller is told when a service does not answer; logged every few seconds."""
        now = time.monotonic()
        if now - self._logged.get(service, 0.0) > _LOGGED_EVERY_S:
            self._logged[service] = now
            log.warning("service does not answer", upstream=service, error=error)
        return Unavailable(
            f"The service {service} does not answer at the moment. Send the request again in a "
            "moment, with the same Idempotency-Key if it writes.",
            retry_after_s=2,
            service=service,
        )

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Any = None,
    ) -> Answer:
        """Ask whoever answers a path. `token`: a JWT, or a session or API token.

        Never raises for what a service answers or that it does not: then the answer is a problem.
        """
        request = Request(method, path, token, json, content, params, headers or {})
        try:
            if token is not None and token.startswith(PREFIX):
                request.token = await self.session_token(token)
            word = word_of(path)
            if word in COMPOSED or not word:
                return await self._ask_own(request)
            service = PREFIXES.get(word)
            if service is None:
                return _as_answer(problem(404, "not-found", "Not Found", f"No such path: {path}"))
            return await self.ask(service, request)
        except DomainError as error:
            return _as_answer(of_error(error, path))

    async def ask(self, service: str, request: Request) -> Answer:
        """Ask one service. Raises Unavailable if it cannot be reached."""
        query = request.query()
        url = URL(
            f"{self.address(service)}{request.path}{'?' + query if query else ''}", encoded=True
        )
        headers, body = request.all_headers(), request.body()
        if isinstance(body, aiohttp.FormData):
            body = body()
            headers["Content-Type"] = body.content_type  # the pool adds no headers by itself
        try:
            with call(service, request.method, url) as called:
                async with self.session.request(
                    request.method,
                    url,
                    headers={**headers, **called.headers},
                    data=body,
                    allow_redirects=False,
                ) as response:
                    called.answered(response.status)
                    return Answer(response.status, response.headers, await response.read())
        except (*CANNOT_REACH, TimeoutError) as error:
            raise self.unreachable(service, error) from error

    async def ask_each(self, services: Mapping[str, Request]) -> dict[str, Answer | Unavailable]:
        """Ask several services at once; one that does not answer is told by its error."""
        answers = await asyncio.gather(
            *(self.ask(name, request) for name, request in services.items()),
            return_exceptions=True,
        )
        found: dict[str, Answer | Unavailable] = {}
        for name, answer in zip(services, answers, strict=True):
            if not isinstance(answer, Answer | Unavailable):
                raise answer
            found[name] = answer
        return found

    async def session_token(self, secret: str) -> str:
        """The JWT for a session or API token. Raises Unauthenticated if it is no good."""
        return (await self.tokens.of(secret)).jwt

    async def _exchange(self, secret: str) -> Answer:
        return await self.ask(
            "identity", Request("POST", "/internal/tokens", json={"token": secret})
        )

    async def _ask_own(self, request: Request) -> Answer:
        """Ask the gateway's own app, in this process."""
        if self.own is None:
            raise RuntimeError("the gateway's own app is not there yet")
        body = request.body()
        return await ask_app(self.own, request, body if isinstance(body, bytes) else b"")


class Caller:
    """One request of somebody with a session (or of nobody), as the pages see it.

    `principal`: {user_id, name, role, permissions, sees, workspace, …} or None. `csrf`: what a form
    or a script has to send back. `wrote` collects the Everlog-Tokens of this request's writes.
    """

    def __init__(
        self,
        backend: Backend,
        exchanged: Exchanged | None,
        *,
        address: str,
        csrf: str,
        seen: tuple[str, ...],
        headers: Mapping[str, str],
        sign_ins: SignIns,
    ) -> None:
        self._backend = backend
        self._headers = dict(headers)
        self._address = address
        self._sign_ins = sign_ins
        self.exchanged = exchanged
        self.csrf = csrf
        self.seen = seen
        self.wrote: list[str] = []
        self.session_to_keep: str | None = None
        self.signed_out = False

    @property
    def principal(self) -> Mapping[str, Any] | None:
        """Who is signed in."""
        return self.exchanged.principal if self.exchanged else None

    def may(self, permission: str) -> bool:
        """Whether whoever is signed in has a permission."""
        return self.principal is not None and permission in self.principal["permissions"]

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Any = None,
    ) -> Answer:
        """Like Backend.call, as this caller; reads wait for what this browser wrote last."""
        sent = {**self._headers, **(headers or {})}
        tokens = [*self.seen, *self.wrote]
        if method == "GET" and tokens:
            sent.setdefault("Everlog-Token", ",".join(tokens))
        answer = await self._backend.call(
            method,
            path,
            token=self.exchanged.jwt if self.exchanged else None,
            json=json,
            params=params,
            headers=sent,
            content=content,
        )
        if method != "GET" and answer.ok and PREFIXES.get(word_of(path)) == "identity":
            self._backend.tokens.forget_all()
        written = answer.headers.get("Everlog-Token")
        if written:
            self.wrote.append(written)
        return answer

    async def get(self, path: str, **params: Any) -> Answer:
        """Read; parameters that are None are left out."""
        return await self.call("GET", path, params=params)

    async def post(self, path: str, json: Any = None, **headers: str) -> Answer:
        """Write; `If_Match="…"` becomes the header If-Match."""
        return await self.call("POST", path, json=json, headers=_named(headers))

    async def patch(self, path: str, json: Any, **headers: str) -> Answer:
        """Change."""
        return await self.call("PATCH", path, json=json, headers=_named(headers))

    async def put(self, path: str, json: Any = None, **headers: str) -> Answer:
        """Replace."""
        return await self.call("PUT", path, json=json, headers=_named(headers))

    async def delete(self, path: str, **headers: str) -> Answer:
        """Take away."""
        return await self.call("DELETE", path, headers=_named(headers))

    async def sign_in(self, email: str, password: str, **more: Any) -> Answer:
        """Sign in; if it succeeds the browser is given the session's cookie."""
        try:
            self._sign_ins.begin(self._address)
        except TooManyRequests as error:
            return _as_answer(of_error(error, "/api/v1/sessions"))
        body = {"email": email, "password": password, **more}
        answer = await self.post(f"{API}/sessions", body)
        if answer.status == 201:
            self._sign_ins.succeeded(self._address)
            self.session_to_keep = answer.json()["token"]
        return answer

    async def sign_out(self) -> None:
        """End the session, here and in the browser."""
        if self.exchanged is not None:
            await self.delete(f"{API}/sessions/current")
            self._backend.tokens.forget_all()
        self.signed_out = True


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def ask_app(app: ASGIApp, request: Request, body: bytes) -> Answer:
    """Ask an ASGI app in this process, as if over HTTP."""
    headers = [(k.lower().encode(), v.encode("latin-1")) for k, v in request.all_headers().items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query().encode(),
        "root_path": "",
        "headers": headers,
        "client": None,
        "server": None,
        "state": {},
    }
    status, told, parts = 500, CIMultiDict[str](), []
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            for name, value in message["headers"]:
                told.add(name.decode("latin-1"), value.decode("latin-1"))
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, CIMultiDictProxy(told), b"".join(parts))


def _as_answer(response: Any) -> Answer:
    headers = CIMultiDict(response.headers.items())
    return Answer(response.status_code, CIMultiDictProxy(headers), response.body)
