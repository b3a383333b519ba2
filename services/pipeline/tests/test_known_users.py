"""What is a user's name, and which users have a given name?"""

from __future__ import annotations

from chassis.testing.projections import History, project
from pipeline.read_models.known_users import KNOWN_USERS, KNOWN_USERS_TABLE
from pipeline.received import UserAdded, UserRenamed
from pipeline.testing.lives import ADA, on


def test_a_user_goes_by_the_latest_name() -> None:
    book = History()
    added = UserAdded(user_id=ADA, name="Ada Byron", occurred_at=on(1))
    renamed = UserRenamed(user_id=ADA, name="Ada  Lovelace", occurred_at=on(2))
    rows = project(KNOWN_USERS, book.add("user", ADA, added), book.add("user", ADA, renamed))
    assert rows[KNOWN_USERS_TABLE] == [
        {"user_id": ADA, "name": "Ada  Lovelace", "name_folded": "ada lovelace"}
    ]
