"""Asks the public API on behalf of whoever opened a page. Pages know no service, only this."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

API = "/api/v1"


class Answer(Protocol):
    """What a service answers."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


class Caller(Protocol):
    """Whoever opened the page, as the gateway knows them: asks with their token, and so that reads
    show what they have just written."""

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer: ...


class Refused(Exception):
    """The API said no. `detail` says what is wrong and what to do, for people to read."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = dict(problem)
        self.title = str(problem.get("title") or "That did not work")
        self.detail = str(problem.get("detail") or self.title)
        self.code = str(problem.get("code") or "")
        super().__init__(f"{status} {self.detail}")

    def by_field(self) -> dict[str, str]:
        """What is wrong with which field of a form, where the API says so."""
        wrong: dict[str, str] = {}
        for error in self.problem.get("errors") or ():
            name = str(error.get("pointer", "")).removeprefix("#/").replace("/", ".")
            wrong.setdefault(name, str(error.get("detail", "")))
        if field := self.problem.get("field"):
            wrong.setdefault(str(field), self.detail)
        return wrong

    def at_one_field(self) -> str:
        """What to say beside the one field that was sent."""
        return " ".join(self.by_field().values()) or self.detail


class Away(Refused):
    """A service does not answer at the moment."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write answered."""

    id: str
    version: int | None
    body: Mapping[str, Any]


class Api:
    """The public API for one request of a browser."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get(self, path: str, **params: Any) -> Any:
        """Read; parameters without a value are left out. Raises Refused."""
        answer = await self.ask("GET", path, params=_given(params))
        return msgspec.json.decode(answer.body) if answer.body else None

    async def post(self, path: str, json: Any = None, **how: Any) -> Written:
        """Write. Raises Refused."""
        return await self.write("POST", path, json, **how)

    async def patch(self, path: str, json: Any, *, version: int | str, **how: Any) -> Written:
        """Change fields of what had this version when it was looked at. Raises Refused."""
        return await self.write("PATCH", path, json, version=version, **how)

    async def write(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        version: int | str | None = None,
        once: str | None = None,
    ) -> Written:
        """Write. `once`: asking twice with the same word does it once. Raises Refused."""
        headers = {}
        if version not in (None, ""):
            headers["If-Match"] = f'"{version}"'
        if once:
            headers["Idempotency-Key"] = once
        answer = await self.ask(method, path, json=json, headers=headers)
        body = msgspec.json.decode(answer.body) if answer.body else {}
        body = body if isinstance(body, dict) else {}
        return Written(str(body.get("id", "")), body.get("version"), body)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Any request. Raises Refused."""
        answer = await self._caller.call(
            method, API + path, json=json, params=params, headers=headers
        )
        if answer.status >= 400:
            raise refusal(answer)
        return answer


@dataclass(frozen=True, slots=True)
class Missing:
    """A part of a page that could not be had, and why. False in templates."""

    why: Refused

    def __bool__(self) -> bool:
        return False


async def part(asked: Awaitable[Any]) -> Any:
    """A part that a page can do without: Missing instead of an error, but for signing in anew."""
    try:
        return await asked
    except Refused as refused:
        if refused.status == 401:
            raise
        return Missing(refused)


async def parts(*asked: Awaitable[Any]) -> Sequence[Any]:
    """Several of them, side by side."""
    return await asyncio.gather(*(part(each) for each in asked))


def refusal(answer: Answer) -> Refused:
    """An answer that is no answer, as an error."""
    try:
        problem = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": "The service gave no reason. Try again in a moment."}
    kind = Away if answer.status in (502, 503, 504) else Refused
    return kind(answer.status, problem)


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    """Those that have a value. `from_` is `from`: Python wants the word for itself."""
    return {name.rstrip("_"): value for name, value in params.items() if value not in (None, "")}
