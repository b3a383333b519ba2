"""Where events are read from: a service's event store, or its topic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from uuid import UUID

import psycopg2
import pyarrow as pa
from aiokafka.errors import KafkaError

from chassis.postgres.database import dsn_for
from chassis.vault import Keyring
from embedded.errors import Trouble
from everlog.history.envelope import Batch
from everlog.history.selection import Selection
from everlog.history.store import Store
from everlog.history.topic import Topic
from everlog.home import Home


class Origin(Protocol):
    """One service's events, read only."""

    @property
    def service(self) -> str:
        """Whose events."""
        ...

    def count(self, selection: Selection) -> int:
        """About how many events will be looked at."""
        ...

    def batches(self, selection: Selection) -> Iterator[Batch]:
        """The events that are meant; each stream in order."""
        ...

    def keys(self, workspace: UUID, key_ids: list[UUID]) -> dict[UUID, bytes]:
        """Wrapped keys of persons, those that have not been destroyed."""
        ...


def keyring_of(home: Home) -> Keyring:
    """The keys of this copy. Raises Trouble for whoever may not have them."""
    path: Path = home.secrets / "master.key"
    try:
        return Keyring.from_file(path)
    except (OSError, ValueError) as error:
        raise Trouble(
            f"The master key in {path} cannot be read.",
            "EVERLOG_HOME has to name the copy that is meant, and its operator has to be asking.",
            str(error),
        ) from error


@contextmanager
def explained() -> Iterator[None]:
    """What may break off a long reading or writing, as Trouble."""
    try:
        yield
    except psycopg2.Error as error:
        advice = "`everlog status` says what is up; then try again."
        raise Trouble("The database broke off.", advice, str(error).strip()) from error
    except KafkaError as error:
        advice = "`everlog status` says what is up; then try again."
        raise Trouble("Kafka broke off.", advice, repr(error)) from error
    except (OSError, pa.ArrowException) as error:
        advice = "Is there space on the disk, and may you write there?"
        raise Trouble("It could not be written.", advice, str(error)) from error


@contextmanager
def store_of(home: Home, service: str) -> Iterator[Store]:
    """A service's event store. Raises Trouble if it does not answer."""
    dsn = dsn_for(home.postgres, service, "worker", keyring_of(home))
    try:
        store = Store(service, dsn)
    except psycopg2.OperationalError as error:
        raise Trouble(
            f"The database of {service} does not answer.",
            "Is Everlog up? make status. Where Kafka still is: --from-kafka",
            str(error).strip(),
        ) from error
    with store:
        yield store


@contextmanager
def origin_of(home: Home, service: str, *, from_kafka: bool) -> Iterator[Origin]:
    """The store of a service, or its topic."""
    if from_kafka:
        with Topic(service, home.kafka) as topic:
            yield topic
    else:
        with store_of(home, service) as store:
            yield store
