"""Templates over HTTP: write, revise, preview as a reader, send a test."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from campaigns.api.people import visible_person
from campaigns.domain import merge_fields
from campaigns.domain.template import TEMPLATE, Content, DraftTemplate, ReviseTemplate, existing
from campaigns.domain.wording import Urls
from campaigns.read_models import templates
from campaigns.read_models.recipients import values_of
from campaigns.sending.letter import BadAddress, reader_address
from campaigns.sending.trial import Trial, send_trial
from chassis.errors import BadInput, NotFound
from chassis.http.paging import Cursor, Limit, decode_cursor, page
from chassis.http.principal import require
from chassis.http.reading import Reading
from chassis.http.writing import Writing
from chassis.ids import new_id
from chassis.postgres.database import Record

READ = Depends(require("campaigns.read"))
WRITE = Depends(require("campaigns.write"))
LOCATION = "/api/v1/templates"

router = APIRouter(tags=["templates"])


class TemplateBody(BaseModel):
    """What a template says: `mjml` or `html`, and, if you like, the text part in your own words."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    subject: str = Field(max_length=250, description="May hold merge fields.")
    html: str | None = Field(default=None, max_length=500_000, description="The body as HTML.")
    mjml: str | None = Field(
        default=None, max_length=500_000, description="The body as MJML (https://mjml.io)."
    )
    text: str | None = Field(
        default=None, max_length=500_000, description="Made from the body if you leave it out."
    )

    @model_validator(mode="after")
    def _one_body(self) -> TemplateBody:
        if (self.html is None) == (self.mjml is None):
            raise ValueError("give the body either as html or as mjml")
        return self

    def content(self) -> Content:
        """As the domain has it."""
        format_: Literal["mjml", "html"] = "html" if self.mjml is None else "mjml"
        body = self.html if self.mjml is None else self.mjml
        return Content(self.name, self.subject, format_, body or "", self.text)


class PreviewBody(BaseModel):
    """Whom to preview for; nobody: a made-up reader."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID | None = None


class TestBody(BaseModel):
    """Where the test goes."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(max_length=320)


@router.post("/templates", status_code=201, dependencies=[WRITE])
async def draft_template(body: TemplateBody, write: Writing) -> Response:
    """Write a template; a broken one is refused with line and reason."""
    template = new_id()
    command = DraftTemplate(template, body.content(), write.now)
    return await write.new(TEMPLATE, template, command, location=LOCATION)


@router.put("/templates/{template_id}", dependencies=[WRITE])
async def revise_template(template_id: UUID, body: TemplateBody, write: Writing) -> Response:
    """Say something else; broadcasts that have started keep what they say."""
    write.need_version()
    return await write.change(TEMPLATE, template_id, ReviseTemplate(body.content(), write.now))


@router.get("/templates", dependencies=[READ])
async def list_templates(read: Reading, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Templates, the last changed first."""
    start = decode_cursor(cursor, (datetime, UUID)) if cursor else None
    async with read.connection() as connection:
        rows = await templates.fetch_page(
            connection, read.principal.workspace, limit + 1, (start[0], start[1]) if start else None
        )
    shown, following = page(rows, limit, lambda row: (row["changed_at"], row["template_id"]))
    return read.json({"items": [_listed(row) for row in shown], "next": following})


@router.get("/merge-fields", dependencies=[READ])
async def list_merge_fields(read: Reading) -> Response:
    """What a template may use: fields, filters, and the made-up reader of previews."""
    fields = [
        {"name": name, "description": about, "sample": merge_fields.SAMPLE.get(name)}
        for name, about in merge_fields.FIELDS.items()
    ]
    return read.json({"fields": fields, "filters": list(merge_fields.FILTERS)})


@router.get("/templates/{template_id}", dependencies=[READ])
async def one_template(template_id: UUID, read: Reading) -> Response:
    """What a template says now."""
    row = await _template(read, template_id)
    own = {"html": None, "mjml": None, row["format"]: row["body"], "text": row["text"]}
    return read.json({**_listed(row), **own}, version=row["version"])


@router.post("/templates/preview", dependencies=[READ])
async def preview_draft(body: TemplateBody, read: Reading) -> Response:
    """How a template that is still being written will look, to a made-up reader."""
    return read.json(_preview(body.content(), merge_fields.SAMPLE))


@router.post("/templates/{template_id}/preview", dependencies=[READ])
async def preview_template(
    template_id: UUID, read: Reading, body: PreviewBody | None = None
) -> Response:
    """How a template looks to a reader."""
    row = await _template(read, template_id)
    values: Any = merge_fields.SAMPLE
    if body is not None and body.person_id is not None:
        values = values_of(await visible_person(read, body.person_id))
    return read.json(_preview(_content(row), values))


@router.post("/templates/{template_id}/test", dependencies=[WRITE])
async def send_test(
    template_id: UUID, body: TestBody, write: Writing, request: Request
) -> dict[str, str]:
    """Send one mail to look at; it counts nothing and nobody can unsubscribe from it."""
    service: Any = request.app.state.service
    template = existing(await write.state(TEMPLATE, template_id))
    try:
        to = reader_address("", body.to)
    except BadAddress as error:
        raise BadInput(f"'{body.to}' is no mail address.", pointer="#/to") from error
    principal, key = write.principal, write.context.key
    id_ = uuid5(principal.workspace, key) if key else new_id()
    trial = Trial(id_, principal.workspace, principal.user_id, template, to, write.now)
    return {"status": await send_trial(service, service.settings, trial)}


async def _template(read: Reading, template_id: UUID) -> Record:
    async with read.connection() as connection:
        row = await templates.fetch_template(connection, read.principal.workspace, template_id)
    if row is None:
        raise NotFound("There is no such template. GET /api/v1/templates lists those there are.")
    return row


def _content(row: Record) -> Content:
    return Content(row["name"], row["subject"], row["format"], row["body"], row["text"])


def _preview(content: Content, values: Any) -> dict[str, Any]:
    wording = content.wording()
    filled = wording.fill(values, Urls("#unsubscribe"))
    return {
        "subject": filled.subject,
        "html": filled.html,
        "text": filled.text,
        "links": list(wording.links),
    }


def _listed(row: Record) -> dict[str, Any]:
    return {
        "id": row["template_id"],
        "version": row["version"],
        "name": row["name"],
        "subject": row["subject"],
        "format": row["format"],
        "changed_at": row["changed_at"],
    }
