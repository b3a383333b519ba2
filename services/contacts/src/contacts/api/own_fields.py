"""A workspace's own fields of people over HTTP, and values for them in other requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field, StringConstraints

from chassis.errors import Conflict, NotFound
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from chassis.http.writing import Writing
from contacts.api.bodies import Body, Text
from contacts.domain.own_field import (
    CHOICES_MOST,
    OWN_FIELD,
    AddOwnField,
    ChangeOwnField,
    OwnField,
    RetireOwnField,
    Type,
    Wording,
    field_id,
    key_of,
)
from contacts.domain.own_values import check_required, cleaned
from contacts.read_models.own_fields import (
    count_own_fields,
    fetch_own_field_rows,
    fetch_own_fields,
)

router = APIRouter(prefix="/contacts/fields", tags=["contacts"])
reads = Depends(require("contacts.read"))
settles = Depends(require("settings.write"))
_FIELDS_MOST = 200

Choices = Annotated[
    list[Text],
    Field(max_length=CHOICES_MOST, description="In order; of the types choice and choices."),
]
Key = Annotated[str, StringConstraints(max_length=60)]


class NewField(Body):
    """`key`: what records, files and conditions call it, made from the title if it is left out.
    `required`: nobody is added without it."""

    title: Text
    type: Type
    key: Key | None = None
    choices: Choices = Field(default_factory=list)
    required: bool = False
    description: Text | None = None


class FieldChanges(Body):
    """What is sent is changed. Key and type stay."""

    title: Text = ""
    choices: Choices = Field(default_factory=list)
    required: bool = False
    description: Text | None = None


@router.get("", dependencies=[reads])
async def list_own_fields(read: Reading) -> Response:
    """The workspace's own fields of people, in the order in which they were added."""
    async with read.connection() as connection:
        items = await fetch_own_field_rows(connection, read.principal.workspace)
    return read.json({"items": items, "next": None})


@router.post("", status_code=201, dependencies=[settles])
async def add_own_field(body: NewField, write: Writing, read: Reading) -> Response:
    """Add a field; also one again that was retired, with the type it had."""
    workspace = write.principal.workspace
    async with read.connection() as connection:
        if await count_own_fields(connection, workspace) >= _FIELDS_MOST:
            raise Conflict(f"{_FIELDS_MOST} fields are enough. Retire one.", code="too-many")
    key = key_of(body.title, body.key)
    wording = Wording(body.title, tuple(body.choices), body.required, body.description)
    command = AddOwnField(field_id(workspace, key), key, body.type, wording, write.now)
    answer = await write.change(OWN_FIELD, command.field_id, command, status=201)
    answer.headers["Location"] = f"/api/v1/contacts/fields/{key}"
    return answer


@router.get("/{key}", dependencies=[reads])
async def one_own_field(key: str, read: Reading) -> Response:
    """One field."""
    async with read.connection() as connection:
        rows = await fetch_own_field_rows(connection, read.principal.workspace)
    found = next((row for row in rows if row["key"] == key), None)
    if found is None:
        raise NotFound("There is no such field in this workspace.")
    return read.json(found, version=found["version"])


@router.patch("/{key}", dependencies=[settles])
async def change_own_field(key: str, body: FieldChanges, write: Writing) -> Response:
    """Change title, description, choices, or whether it is needed. If-Match."""
    write.need_version()
    changes = body.given(*FieldChanges.model_fields)
    if "choices" in changes:
        changes["choices"] = tuple(changes["choices"])
    command = ChangeOwnField(write.now, changes)
    return await write.change(OWN_FIELD, field_id(write.principal.workspace, key), command)


@router.delete("/{key}", dependencies=[settles])
async def retire_own_field(key: str, write: Writing) -> Response:
    """Retire a field; what people have in it stays."""
    id_ = field_id(write.principal.workspace, key)
    return await write.change(OWN_FIELD, id_, RetireOwnField(write.now))


# --- values in other requests


async def own_fields(read: Read) -> Mapping[str, OwnField]:
    """The fields of the caller's workspace."""
    async with read.connection() as connection:
        return await fetch_own_fields(connection, read.principal.workspace)


async def new_values(read: Read, custom: Mapping[str, Any] | None) -> dict[str, Any]:
    """Own values of somebody new. Raises BadInput, also if one that is needed is not there."""
    fields = await own_fields(read)
    values = cleaned(fields, custom or {})
    check_required(fields.values(), values)
    return values


async def changed_values(read: Read, custom: Mapping[str, Any]) -> dict[str, Any]:
    """Own values that change. Raises BadInput."""
    return cleaned(await own_fields(read), custom)


# --- in conditions

_KINDS: Mapping[Type, str] = {
    "text": "text",
    "number": "number",
    "date": "date",
    "yes_no": "choice",
    "choice": "choice",
    "choices": "tags",
    "url": "text",
}


def asked_as(field: OwnField) -> dict[str, Any]:
    """How a condition asks about a field. `choices`: what it can be compared with."""
    told = {"name": field.name, "label": field.title, "kind": _KINDS[field.type]}
    choices = ("Yes", "No") if field.type == "yes_no" else field.choices
    return {**told, "choices": choices} if choices else told
