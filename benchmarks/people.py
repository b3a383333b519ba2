"""Files of people and deals for the benchmarks: plausible, all different, always the same."""

from __future__ import annotations

import csv
import io
from random import Random

from everlog.sample.words import CITIES, FIRST_NAMES, LAST_NAMES, TAGS

STAGES = ("prospecting", "engaging", "proposal", "negotiation")


def people(first: int, count: int) -> bytes:
    """Rows of contacts, numbered from `first`."""
    random, out = Random(first), io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ("First name", "Last name", "Email", "Phone", "City", "Country", "Tags", "External id")
    )
    for number in range(first, first + count):
        name, surname = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
        city, country = random.choice(CITIES)
        address = f"{name}.{surname}.{number}@mail.example".lower()
        address = address.encode("ascii", "ignore").decode()
        phone = f"+49 30 {2_000_000 + number % 7_000_000}"
        tags = random.choice(TAGS)
        writer.writerow((name, surname, address, phone, city, country, tags, f"p-{number}"))
    return out.getvalue().encode()


def deals(count: int, open_share: float) -> bytes:
    """Rows of deals, a share of them open."""
    random, out = Random(count), io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("Id", "Title", "Stage", "Value", "Opened on", "Closed on"))
    for number in range(count):
        day = f"2026-{random.randint(1, 9):02}-{random.randint(1, 28):02}"
        value = random.randint(100, 9_000)
        title = f"{random.choice(LAST_NAMES)} order {number}"
        if random.random() < open_share:
            writer.writerow((f"d-{number}", title, random.choice(STAGES), value, day, ""))
        else:
            outcome = random.choice(("won", "lost"))
            writer.writerow((f"d-{number}", title, outcome, value, day, "2026-10-15"))
    return out.getvalue().encode()
