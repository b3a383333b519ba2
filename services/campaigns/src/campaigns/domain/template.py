"""A template: what a mail says, with merge fields. A broken one is refused with line and reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from campaigns.domain.wording import Format, Wording, compile_wording
from campaigns.domain.words import checked
from chassis.decider import Decider
from chassis.errors import Conflict, NotFound
from chassis.events import Event

_NAME_MOST, _SUBJECT_MOST, _BODY_MOST = 200, 250, 500_000


class TemplateDrafted(Event, frozen=True, tag="campaigns.template-drafted.v1"):
    """A template was written."""

    template_id: UUID
    name: str
    subject: str
    format: Format
    body: str
    text: str | None = None


class TemplateRevised(Event, frozen=True, tag="campaigns.template-revised.v1"):
    """A template says something else from now on."""

    template_id: UUID
    name: str
    subject: str
    format: Format
    body: str
    text: str | None = None


TemplateEvent = TemplateDrafted | TemplateRevised
EVENTS: tuple[type[TemplateEvent], ...] = (TemplateDrafted, TemplateRevised)


@dataclass(frozen=True, slots=True)
class Content:
    """What a template says."""

    name: str
    subject: str
    format: Format
    body: str
    text: str | None = None

    def wording(self) -> Wording:
        """Compiled. Raises BadInput if it is broken."""
        return compile_wording(self.subject, self.format, self.body, self.text)


@dataclass(frozen=True, slots=True)
class DraftTemplate:
    template_id: UUID
    content: Content
    at: datetime


@dataclass(frozen=True, slots=True)
class ReviseTemplate:
    content: Content
    at: datetime


TemplateCommand = DraftTemplate | ReviseTemplate


@dataclass(frozen=True, slots=True)
class Template:
    template_id: UUID
    content: Content


def evolve(_: Template | None, event: TemplateEvent) -> Template:
    """The template after an event."""
    content = Content(event.name, event.subject, event.format, event.body, event.text)
    return Template(event.template_id, content)


def decide(command: TemplateCommand, template: Template | None) -> list[TemplateEvent]:
    """What a command leads to."""
    match command:
        case DraftTemplate():
            if template is not None:
                raise Conflict("There is such a template already.")
            c = _checked(command.content)
            return [
                TemplateDrafted(
                    command.template_id,
                    c.name,
                    c.subject,
                    c.format,
                    c.body,
                    c.text,
                    occurred_at=command.at,
                )
            ]
        case ReviseTemplate():
            found = existing(template)
            c = _checked(command.content)
            if c == found.content:
                return []
            return [
                TemplateRevised(
                    found.template_id,
                    c.name,
                    c.subject,
                    c.format,
                    c.body,
                    c.text,
                    occurred_at=command.at,
                )
            ]
        case _:
            assert_never(command)


def existing(template: Template | None) -> Template:
    """The template. Raises NotFound if there is none."""
    if template is None:
        raise NotFound("There is no such template. GET /api/v1/templates lists those there are.")
    return template


def _checked(content: Content) -> Content:
    checked("name", content.name, _NAME_MOST)
    checked("subject", content.subject, _SUBJECT_MOST)
    checked("body", content.body, _BODY_MOST)
    if content.text:
        checked("text", content.text, _BODY_MOST)
    content.wording()
    return content


TEMPLATE: Decider[TemplateCommand, Template | None, TemplateEvent] = Decider(
    "template", None, decide, evolve, EVENTS
)
