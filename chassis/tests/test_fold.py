"""Row changes fold so that batches of any size give the same rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, Text

from chassis.ids import new_id
from chassis.memory.lanes import MemoryTables
from chassis.projection import Add, Change, Fold, Put, Remove, key_columns, read_table

TABLE = read_table(
    "things",
    Column("a", Text),
    Column("b", Text),
    Column("label", Text),
    Column("n", BigInteger, nullable=False, server_default="0"),
    key=("a", "b"),
)
WORKSPACE = new_id()
NAMES = st.sampled_from(["x", "y"])
KEYS = st.tuples(NAMES, NAMES)
CHANGES = st.one_of(
    st.builds(lambda k, v: Put(TABLE, k, {"label": v}), KEYS, st.text(max_size=2)),
    st.builds(lambda k, v: Put(TABLE, k, {"n": v}), KEYS, st.integers(0, 9)),
    st.builds(lambda k, v: Add(TABLE, k, {"n": v}), KEYS, st.integers(-3, 3)),
    st.builds(lambda k: Remove(TABLE, k), KEYS),
    st.builds(lambda a: Remove(TABLE, (a,)), NAMES),
)


def rows(batches: list[list[Change]]) -> dict[object, object]:
    tables = MemoryTables()
    for batch in batches:
        fold = Fold()
        for change in batch:
            fold.apply(WORKSPACE, [change])
        tables.write(fold)
    return dict(tables.rows(TABLE))


@given(st.lists(CHANGES, max_size=30), st.integers(1, 7))
def test_one_batch_equals_many_small_ones(changes: list[Change], size: int) -> None:
    parts = [changes[start : start + size] for start in range(0, len(changes), size)]
    assert rows([changes]) == rows(parts) == rows([[change] for change in changes])


def test_the_workspace_is_the_first_part_of_every_key() -> None:
    assert key_columns(TABLE) == ("workspace_id", "a", "b")
    one = rows([[Put(TABLE, ("x", "y"), {"label": "l"})]])
    assert list(one) == [(WORKSPACE, "x", "y")]


def test_a_shorter_key_removes_all_rows_that_begin_so() -> None:
    puts: list[Change] = [Put(TABLE, ("x", n), {"label": n}) for n in "123"]
    left = rows([[*puts, Put(TABLE, ("y", "1"), {}), Remove(TABLE, ("x",))], []])
    assert list(left) == [(WORKSPACE, "y", "1")]
