"""Asks every route of a service's OpenAPI for what belongs to another workspace.

Whoever asks has every right in a workspace of their own. Each id of the other workspace is tried at
every place where an id can stand: in the path, in the query, in the body.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from chassis.testing.service_bench import Client

_METHODS = ("get", "post", "put", "patch", "delete")
_PATIENCE_S = 5.0
_READ_MOST = 1 << 20
_COMBINATIONS_MOST = 20
_WORDS = {"currency": "EUR", "language": "de", "time_zone": "UTC", "country": "DE"}
"""Members that are codes, wherever they occur: their schema only says that they are text."""
_STREAM = "text/event-stream"

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and what came of it."""

    operation: str
    url: str
    status: int
    text: str


@dataclass(frozen=True, slots=True)
class _Operation:
    method: str
    path: str
    definition: Schema
    document: Schema

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    def parameters(self, place: str) -> list[Schema]:
        found = self.definition.get("parameters", ())
        return [parameter for parameter in found if parameter["in"] == place]

    def body(self, id_: str) -> Any:
        content = self.definition.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        return None if schema is None else example(schema, self.document, id_)


async def try_every_route(
    intruder: Client,
    ids: Sequence[str],
    bodies: Mapping[str, Any],
    places: Mapping[str, tuple[str, ...]],
) -> list[Attempt]:
    """The intruder's attempts.

    `bodies`: for operations whose body cannot be made up from the schema alone; {id} in it stands
    for an id. `places`: of operations whose path says more than ids, what stands in it.
    """
    attempts: list[Attempt] = []
    for operation in _operations(await _document(intruder)):
        for url, id_ in _urls(operation, ids, places.get(operation.name)):
            body = bodies.get(operation.name, operation.body(id_))
            said = _filled(body, id_)
            for version in ("*", '"1"') if operation.method != "get" else ("*",):
                attempts.append(await _ask(intruder, operation, url, said, version))
    return attempts


async def knock_everywhere(
    victim: Client, ids: Sequence[str], places: Mapping[str, tuple[str, ...]]
) -> frozenset[str]:
    """The operations that read something by an id, which the victim reaches with these ids: proof
    that the attempts knocked at doors that exist. It may leave notes of who took what out."""
    reached: set[str] = set()
    for operation in _operations(await _document(victim)):
        if operation.method != "get" or not operation.parameters("path"):
            continue
        for url, _ in _urls(operation, ids, places.get(operation.name)):
            if (await _ask(victim, operation, url, None, "*")).status == 200:
                reached.add(operation.name)
    return frozenset(reached)


async def _document(who: Client) -> Schema:
    async with who.session.get(f"{who.base}/openapi.json") as response:
        found: Schema = await response.json()
        return found


def reading_by_id(document: Schema) -> frozenset[str]:
    """The operations that read something by an id."""
    return frozenset(
        o.name for o in _operations(document) if o.method == "get" and o.parameters("path")
    )


def _operations(document: Schema) -> Iterator[_Operation]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield _Operation(method, path, methods[method], document)


def _urls(
    operation: _Operation, ids: Sequence[str], place: tuple[str, ...] | None
) -> Iterator[tuple[str, str]]:
    """The operation's addresses with these ids, each with the id that is used in the body."""
    in_path = [parameter["name"] for parameter in operation.parameters("path")]
    combinations = itertools.product(ids, repeat=max(1, len(in_path)))
    for chosen in (place,) if place else itertools.islice(combinations, _COMBINATIONS_MOST):
        path = operation.path
        for name, id_ in zip(in_path, chosen, strict=False):
            path = path.replace("{" + name + "}", id_)
        for query in _queries(operation, chosen[0]):
            yield path + query, chosen[0]
        if not in_path and operation.method == "get" and not operation.parameters("query"):
            return  # nothing in it can stand for an id


def _queries(operation: _Operation, id_: str) -> Iterator[str]:
    """Without anything optional; and with the id in each parameter that may be text, by itself."""
    values = {}
    for parameter in operation.parameters("query"):
        schema = parameter.get("schema", {})
        values[parameter["name"]] = example(schema, operation.document, id_)
    required = {p["name"] for p in operation.parameters("query") if p.get("required")}
    yield _query({name: values[name] for name in required})
    for name, value in values.items():
        if name not in required and value == id_:
            yield _query({**{n: values[n] for n in required}, name: value})


def _query(values: Mapping[str, Any]) -> str:
    return "?" + "&".join(f"{name}={value}" for name, value in values.items()) if values else ""


def example(schema: Schema, document: Schema, id_: str, depth: int = 0) -> Any:
    """A value that fits a JSON Schema; the id wherever text may stand."""
    if "$ref" in schema:
        named = schema["$ref"].rpartition("/")[2]
        return example(document["components"]["schemas"][named], document, id_, depth + 1)
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            real: Schema = next((s for s in schema[union] if s.get("type") != "null"), {})
            return example(real, document, id_, depth)
    for told in ("const", "enum"):
        if told in schema:
            return schema[told] if told == "const" else schema[told][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {}) if depth < 6 else {}
            return {
                name: _WORDS.get(name) or example(of_it, document, id_, depth + 1)
                for name, of_it in properties.items()
            }
        case "array":
            return [example(schema.get("items", {}), document, id_, depth + 1)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return _text(schema, id_)


def _text(schema: Schema, id_: str) -> str:
    formats = {"date": "2026-03-30", "date-time": "2026-03-30T12:00:00Z", "email": "x@example.org"}
    text = formats.get(str(schema.get("format")), id_)
    most = schema.get("maxLength")
    return text[:most] if most else text


def _filled(body: Any, id_: str) -> Any:
    """{id} in a given body stands for the id."""
    match body:
        case str():
            return body.replace("{id}", id_)
        case dict():
            return {name: _filled(value, id_) for name, value in body.items()}
        case list():
            return [_filled(value, id_) for value in body]
        case _:
            return body


async def _ask(who: Client, operation: _Operation, url: str, body: Any, version: str) -> Attempt:
    headers = {} if operation.method == "get" else {"If-Match": version}
    text = ""
    try:
        async with (
            asyncio.timeout(_PATIENCE_S),
            who.session.request(
                operation.method,
                who.base + url,
                json=body,
                headers=headers,
                allow_redirects=False,
            ) as response,
        ):
            status = response.status
            if response.content_type == _STREAM:
                text = (await response.content.read(_READ_MOST)).decode(errors="replace")
            else:
                text = await response.text(errors="replace")
    except TimeoutError:
        return Attempt(operation.name, url, 0, text)
    except aiohttp.ClientError as error:
        raise AssertionError(f"{operation.name}: {error!r}") from error
    return Attempt(operation.name, url, status, text)
