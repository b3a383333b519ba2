"""One request of somebody who is signed in: who they are, their API, and how pages answer them."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.web import formatting, navigation
from gateway.web.asking import Api, Refused
from gateway.web.rendering import render

_ME_KEPT_S = 10.0
_ME_MOST = 2_000


class NotSignedIn(Exception):
    """Nobody is signed in here (any more)."""


class People:
    """What is remembered for a few seconds about whoever is signed in: every page asks for it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[float, Any]] = OrderedDict()

    async def me(self, api: Api, key: str) -> Mapping[str, Any]:
        """The signed-in person as identity knows them. Raises NotSignedIn, Refused."""
        try:
            me: Mapping[str, Any] = await self.about(api, key, "/me")
        except Refused as refused:
            if refused.status == 401:
                raise NotSignedIn from refused
            raise
        return me

    async def about(self, api: Api, key: str, path: str) -> Any:
        """What a path answers; asked at most every few seconds. Raises Refused."""
        place = (key, path)
        kept = self._kept.get(place)
        if kept and kept[0] > time.monotonic():
            return kept[1]
        found = await api.get(path)
        self._kept[place] = (time.monotonic() + _ME_KEPT_S, found)
        self._kept.move_to_end(place)
        if len(self._kept) > _ME_MOST:
            self._kept.popitem(last=False)
        return found

    def forget(self) -> None:
        """Ask again next time: somebody has just changed something about people."""
        self._kept.clear()


@dataclass(slots=True)
class Visit:
    """A request and everything its answer needs."""

    request: Request
    api: Api
    me: Mapping[str, Any]
    now: datetime
    csrf: str
    key: str
    form: FormData

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone: all times of a workspace are shown in one."""
        return formatting.zone((self.me.get("workspace") or {}).get("time_zone"))

    @property
    def today(self) -> date:
        """The day it is there."""
        return self.now.astimezone(self.zone).date()

    @property
    def currency(self) -> str:
        """The workspace's currency."""
        return str((self.me.get("workspace") or {}).get("currency") or "EUR")

    def may(self, permission: str) -> bool:
        """Whether the visitor's role allows it."""
        return permission in (self.me.get("permissions") or ())

    @property
    def sees_records(self) -> bool:
        """Whether the visitor may see single people and deals, not only figures about groups."""
        return self.me.get("sees") != "aggregate"

    @property
    def is_partial(self) -> bool:
        """Whether a part of a page is asked for, not the page."""
        return self.request.headers.get("hx-request") == "true"

    async def names(self) -> dict[str, str]:
        """Everybody's name by id; empty if identity does not answer."""
        try:
            found = await self.remembered("/users")
        except Refused:
            return {}
        return {str(user["id"]): str(user.get("name") or "") for user in found["items"]}

    async def remembered(self, path: str) -> Any:
        """What a path answers, asked at most every few seconds. Raises Refused."""
        people: People = self.request.app.state.people
        return await people.about(self.api, self.key, path)

    def text(self, name: str, default: str = "") -> str:
        """A form field, trimmed."""
        value = self.form.get(name, default)
        return value.strip() if isinstance(value, str) else default

    def texts(self, name: str) -> list[str]:
        """All values of a form field."""
        values = [value.strip() for value in self.form.getlist(name) if isinstance(value, str)]
        return [value for value in values if value]

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page, or a part of one."""
        return _fresh(HTMLResponse(self.html(template, **context), status))

    def html(self, template: str, **context: Any) -> str:
        """A rendered template."""
        return render(
            template,
            visit=self,
            me=self.me,
            now=self.now,
            zone=self.zone,
            today=self.today,
            currency=self.currency,
            csrf=self.csrf,
            places=navigation.places(self.me.get("permissions") or (), str(self.me.get("sees"))),
            here=navigation.current(self.request.url.path),
            **context,
        )

    def done(
        self,
        toast: str | None = None,
        *,
        html: str = "",
        undo: Mapping[str, Any] | None = None,
        link: Mapping[str, Any] | None = None,
        close: bool = False,
        go: str | None = None,
    ) -> Response:
        """The answer to a write: a new part of the page, a notice, and where to go from here."""
        response: Response = HTMLResponse(html)
        if not html:
            response.headers["HX-Reswap"] = "none"
        told: dict[str, Any] = {"everlog:changed": {}}
        if toast:
            told["everlog:toast"] = {"text": toast, "undo": undo, "link": link}
        if close:
            told["everlog:close"] = {}
        if go is not None:
            response.headers["HX-Redirect"] = go
        response.headers["HX-Trigger"] = json.dumps(told)
        return _fresh(response)


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "HX-Request"
    return response


def refusal_notice(refused: Refused) -> Response:
    """A refusal for a script or for htmx: nothing is swapped, a notice says why."""
    told = {"everlog:toast": {"text": refused.detail, "title": refused.title, "kind": "error"}}
    body = json.dumps({"title": refused.title, "detail": refused.detail, "code": refused.code})
    headers = {"HX-Trigger": json.dumps(told), "HX-Reswap": "none"}
    return _fresh(Response(body, refused.status, headers=headers, media_type="application/json"))


def go_to(request: Request, path: str) -> Response:
    """Send the browser to another page."""
    if request.headers.get("hx-request") == "true":
        return _fresh(Response(headers={"HX-Redirect": path}))
    return _fresh(RedirectResponse(path, 303))


async def visit_of(request: Request) -> Visit:
    """A dependency: the visit, once it is certain who it is. Raises NotSignedIn, Refused."""
    caller = request.scope.get("everlog.caller")
    if caller is None or caller.exchanged is None:
        raise NotSignedIn
    api = Api(caller)
    key = f"{caller.principal['workspace']}:{caller.principal['user_id']}"
    people: People = request.app.state.people
    me = await people.me(api, key)
    form = FormData()
    if request.method not in ("GET", "HEAD"):
        form = await request.form()
    now: Callable[[], datetime] = request.app.state.now
    return Visit(request, api, me, now(), caller.csrf, key, form)


Visiting = Annotated[Visit, Depends(visit_of)]
