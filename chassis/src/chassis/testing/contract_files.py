"""Contract files: what a service promises about each event it publishes, generated and compared.

A file holds the event's JSON Schema (as readers see it, unsealed), one example, and which fields
travel sealed. A published file may gain optional properties and nothing else; whatever else has to
change is a new version of the event and an upcaster.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect as shape

from chassis.events import Event, service_of, topic_of, wire_name
from chassis.manifest import Manifest
from chassis.personal import personal_of
from chassis.vault import DataKey

_ID = "01920000-0000-7000-8000-000000000000"
_AT = "2026-03-30T12:00:00Z"


def contract_of(event: type[Event]) -> dict[str, Any]:
    """The contract of an event class."""
    personal = personal_of(event)
    return {
        "name": wire_name(event),
        "topic": topic_of(wire_name(event)),
        "sealed": sorted(personal.fields) if personal else [],
        "schema": msgspec.json.schema(event),
        "example": example_of(event),
    }


def path_of(event: type[Event], root: Path) -> Path:
    """Where the contract of an event class lies: contracts/<service>/<event>.vN.json."""
    name = wire_name(event)
    return root / service_of(name) / f"{name.partition('.')[2]}.json"


def text_of(event: type[Event]) -> str:
    """The contract as it is written."""
    return json.dumps(contract_of(event), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(manifest: Manifest, root: Path) -> list[Path]:
    """Write a service's contracts; returns the files that changed."""
    changed = []
    for event in manifest.published():
        path, text = path_of(event, root), text_of(event)
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            changed.append(path)
    return changed


def example_of(event: type[Event]) -> Any:
    """An example with every field filled."""
    info = shape.type_info(event)
    return _example(info, event.__name__)


def _example(info: shape.Type, name: str) -> Any:
    match info:
        case shape.Metadata():
            return _example(info.type, name)
        case shape.StructType():
            found = {} if info.tag_field is None else {info.tag_field: info.tag}
            found |= {f.encode_name: _example(f.type, f.encode_name) for f in info.fields}
            return found
        case shape.UnionType():
            return _example(next(t for t in info.types if not isinstance(t, shape.NoneType)), name)
        case shape.ListType() | shape.VarTupleType() | shape.SetType() | shape.FrozenSetType():
            return [_example(info.item_type, name)]
        case shape.DictType():
            return {"name": _example(info.value_type, name)}
        case shape.LiteralType():
            return info.values[0]
        case _:
            return _scalar(info, name)


def _scalar(info: shape.Type, name: str) -> Any:
    match info:
        case shape.UUIDType():
            return _ID
        case shape.DateTimeType():
            return _AT
        case shape.DateType():
            return _AT[:10]
        case shape.BoolType():
            return True
        case shape.IntType():
            return 1
        case shape.FloatType():
            return 0.5
        case shape.AnyType():
            return "anything"
        case _:
            return name.replace("_", " ")


def as_published(
    event: Event, contract: Mapping[str, Any], event_id: bytes, key: DataKey | None
) -> bytes:
    """The body of an event as its owner would publish it, from a slim model of it.

    What is promised and not in the slim model is empty, or else what the contract's example says.
    Tests that put others' events on a topic use it: more services than their own read it there.
    """
    body = msgspec.to_builtins(event)
    definition = _definition(contract["schema"])
    for name in set(definition["required"]) - body.keys():
        body[name] = _empty(definition["properties"][name], contract["example"][name])
    secret = {name: body.pop(name) for name in contract["sealed"] if name in body}
    if contract["sealed"]:
        if key is None:
            raise TypeError(f"{contract['name']} is personal: it needs its subject's key")
        body["sealed"] = base64.b64encode(key.seal(msgspec.json.encode(secret), event_id)).decode()
    return msgspec.json.encode(body)


def _empty(schema: Mapping[str, Any], example: Any) -> Any:
    if {"type": "null"} in schema.get("anyOf", ()):
        return None
    empty: dict[str, Any] = {"array": [], "object": {}}
    return empty.get(str(schema.get("type")), example)


def broken_promises(old: Mapping[str, Any], new: Mapping[str, Any], where: str = "") -> list[str]:
    """What a schema took back: compared with `old`, `new` may only have more optional properties.

    Descends into `$defs`, properties, items and unions.
    """
    broken: list[str] = []
    for keyword in sorted((set(old) | set(new)) - {"properties", "$defs", "description", "title"}):
        if old.get(keyword) != new.get(keyword):
            broken += _compare_keyword(keyword, old.get(keyword), new.get(keyword), where)
    for group in ("properties", "$defs"):
        before, after = old.get(group, {}), new.get(group, {})
        for name, schema in before.items():
            place = f"{where}/{name}"
            if name not in after:
                broken.append(f"{place} is gone")
            else:
                broken += broken_promises(schema, after[name], place)
    return broken


def _compare_keyword(keyword: str, old: Any, new: Any, where: str) -> list[str]:
    if keyword == "required":
        lost = sorted(set(old or ()) ^ set(new or ()))
        return [f"{where}: required changed for {', '.join(lost)}"]
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return broken_promises(old, new, f"{where}/{keyword}")
    return [f"{where}: {keyword} was {old!r}, is {new!r}"]


def unmet_needs(received: type[Event], contract: Mapping[str, Any]) -> list[str]:
    """What a slim model reads that the contract does not promise; also tries the example on it."""
    schema = contract["schema"]
    promised = _definition(schema)
    local = _definition(msgspec.json.schema(received))
    unmet = [
        f"{received.__name__}.{name} is required here, but only optional (or absent) there"
        for name in sorted(set(local.get("required", ())) - set(promised.get("required", ())))
    ]
    unmet += [
        f"{received.__name__}.{name} is not in the contract"
        for name in sorted(set(local["properties"]) - set(promised["properties"]))
    ]
    sealed = personal_of(received)
    own = set(sealed.fields if sealed else ())
    there = set(contract["sealed"]) & set(local["properties"])
    unmet += [
        f"{received.__name__}.{name}: sealed on one side only" for name in sorted(own ^ there)
    ]
    try:
        msgspec.convert(contract["example"], received)
    except msgspec.ValidationError as error:
        unmet.append(f"{received.__name__} does not read the example: {error}")
    return unmet


def _definition(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object a schema with a `$ref` at its root stands for."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Mapping[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
    return found
