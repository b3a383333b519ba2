"""One view per event type: what the contract says of its body, as columns with types.

The columns of DealWon are those of its class, which the contract is made from. Names that the
envelope has already begin with `data_`. Fields about persons are columns only in clear text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

from chassis.events import Event, wire_name
from chassis.personal import personal_of
from everlog.history.envelope import NAMES

ENVELOPE = tuple(name for name in NAMES if name not in ("service", "type", "body"))
"""What a typed view shows of the envelope: its type is its name."""
_IN_BOTH = frozenset({"type", "occurred_at"})
_SIMPLE: tuple[tuple[type[inspect.Type], str], ...] = (
    (inspect.BoolType, "BOOLEAN"),
    (inspect.IntType, "BIGINT"),
    (inspect.FloatType, "DOUBLE"),
    (inspect.DateTimeType, "TIMESTAMPTZ"),
    (inspect.DateType, "DATE"),
    (inspect.StrType, "VARCHAR"),
    (inspect.UUIDType, "VARCHAR"),
    (inspect.EnumType, "VARCHAR"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a body as a column. `shape`: its type, as DuckDB's json_transform takes it."""

    field: str
    name: str
    shape: Any


def view_name(type_: str) -> str:
    """`pipeline.deal-won.v1` → `pipeline_deal_won`; later versions say which: `…_v2`."""
    name, _, version = type_.replace(".", "_").replace("-", "_").rpartition("_")
    return name if version == "v1" else f"{name}_{version}"


def columns_of(event: type[Event], *, clear: bool) -> tuple[Column, ...]:
    """The columns of an event's body."""
    personal = personal_of(event)
    hidden = frozenset(personal.fields) if personal is not None and not clear else frozenset()
    return tuple(
        Column(f.encode_name, f"data_{f.name}" if f.name in NAMES else f.name, _shape(f.type))
        for f in _fields(event)
        if f.name not in hidden and f.name not in _IN_BOTH
    )


def _fields(struct: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return info.fields


def _shape(type_: inspect.Type) -> Any:
    if isinstance(type_, inspect.Metadata):
        return _shape(type_.type)
    for known, name in _SIMPLE:
        if isinstance(type_, known):
            return name
    match type_:
        case inspect.UnionType():
            some = [each for each in type_.types if not isinstance(each, inspect.NoneType)]
            return _shape(some[0]) if len(some) == 1 else "JSON"
        case inspect.LiteralType():
            return "VARCHAR" if all(isinstance(v, str) for v in type_.values) else "JSON"
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType():
            return [_shape(type_.item_type)]
        case inspect.FrozenSetType():
            return [_shape(type_.item_type)]
        case inspect.StructType():
            return {field.encode_name: _shape(field.type) for field in type_.fields}
        case _:
            return "JSON"


def select_of(event: type[Event], source: str, *, clear: bool, envelope: Iterable[str]) -> str:
    """The typed columns of all events of one type in `source`, after these of the envelope."""
    type_ = wire_name(event)
    columns = columns_of(event, clear=clear)
    shape = json.dumps({column.field: column.shape for column in columns}).replace("'", "''")
    shown = [f'"{name}"' for name in envelope]
    shown += [f'everlog_body."{c.field}" as "{c.name}"' for c in columns]
    inner = "*" if not columns else f"*, json_transform(body, '{shape}') as everlog_body"
    return (
        f"select {', '.join(shown)} from (select {inner} from {source} "  # noqa: S608
        f"where type = '{type_}')"
    )
