"""Makes the sample's data: the same for the same day and seed. Pure; knows no API.

The shop grows: every month has more new people, deals and orders than the one before.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from everlog.sample import words

MONTHS = 18
PEOPLE, COMPANIES, DEALS, ORDERS = 400, 60, 250, 700
DOUBLES = 5
"""So many people are in it twice, for somebody to find."""
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works in the shop."""

    name: str
    email: str
    team: str
    role: str


@dataclass(frozen=True, slots=True)
class Company:
    external_id: str
    name: str
    sector: str
    city: str
    country: str
    employees: int
    owner: str


@dataclass(frozen=True, slots=True)
class Person:
    external_id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    city: str
    country: str
    company: str
    company_role: str
    owner: str
    tags: tuple[str, ...]
    source: str
    birthday: date
    known_since: date


@dataclass(frozen=True, slots=True)
class Interaction:
    person: str
    kind: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Deal:
    """`path`: the stages after the first and the day of each. `end`: won, lost or open."""

    external_id: str
    pipeline: str
    title: str
    person: str
    company: str
    product: str
    owner: str
    source: str
    value_minor: int
    opened: date
    path: tuple[tuple[str, date], ...]
    end: str
    closed: date | None
    reason: str
    expected: date


@dataclass(frozen=True, slots=True)
class Order:
    number: str
    person: str
    sku: str
    title: str
    quantity: int
    price_minor: int
    ordered: datetime


@dataclass(slots=True)
class Bookshop:
    """All of it."""

    colleagues: list[Colleague] = field(default_factory=list)
    companies: list[Company] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    interactions: list[Interaction] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)


COLLEAGUES = (
    Colleague("Mira Adler", "mira@bookshop.example", "Schools and libraries", "sales"),
    Colleague("Jonas Holm", "jonas@bookshop.example", "Schools and libraries", "sales"),
    Colleague("Leila Rahman", "leila@bookshop.example", "Shop floor", "sales"),
    Colleague("Tom Winter", "tom@bookshop.example", "Shop floor", "sales"),
    Colleague("Nora Fontaine", "nora@bookshop.example", "Marketing", "marketing"),
)
_SELLERS = tuple(c.name for c in COLLEAGUES if c.role == "sales")

# Each pipeline's stages after the first, the share of deals that get that far, days between.
PIPELINES = {
    "Sales": (("Engaging", "Proposal", "Negotiation"), (0.85, 0.65, 0.5), (6, 20)),
    "Pre-orders": (("Reserved", "Deposit paid", "Ready for pick-up"), (0.9, 0.8, 0.7), (2, 12)),
    "In-store event": (("Registered", "Confirmed", "Attended"), (0.9, 0.7, 0.6), (3, 14)),
}
FIRST_STAGES = {"Sales": "Prospecting", "Pre-orders": "Interested", "In-store event": "Invited"}
_TITLES = {
    "Sales": "{product} for {company}",
    "Pre-orders": "{person}: {product}",
    "In-store event": "{product} with {company}",
}
_PRODUCTS = {
    "Sales": ("School package", "Library package", "Reading circle set", "Office shelf"),
    "Pre-orders": ("Pre-order bundle", "Signed first edition"),
    "In-store event": ("Author evening", "Book table"),
}
_PRICES = {name: price for name, _, price in words.PRODUCTS}


def bookshop(today: date, seed: int = 20) -> Bookshop:
    """The shop as it stands on a day."""
    random, shop = Random(seed), Bookshop(colleagues=list(COLLEAGUES))
    shop.companies = [_company(random, n) for n in range(COMPANIES)]
    for number in range(PEOPLE):
        shop.people.append(_person(random, number, shop.companies, today))
    shop.people.sort(key=lambda person: person.known_since)
    shop.people += [_again(person, n) for n, person in enumerate(shop.people[:: PEOPLE // DOUBLES])]
    for person in shop.people:
        shop.interactions += _interactions(random, person, today)
    shop.deals = [_deal(random, number, shop, today) for number in range(DEALS)]
    shop.orders = [_order(random, number, shop, today) for number in range(ORDERS)]
    return shop


def _again(person: Person, number: int) -> Person:
    """Somebody whom a colleague entered a second time, with a slip and their address at home."""
    slip = person.last_name[:-2] + person.last_name[-1] if number % 2 else person.last_name
    return replace(
        person,
        external_id=f"again-{number:02}",
        last_name=slip,
        email=f"{person.first_name}{person.last_name}{number}@mail.example".lower(),
        company="",
        company_role="",
        tags=(),
        source="Phone",
    )


def _day(random: Random, today: date) -> date:
    """A day of the last months; later ones are likelier."""
    days = MONTHS * 30
    return today - timedelta(days=int(days * (1 - random.random() ** 0.75)) + 1)


def _at(random: Random, day: date) -> datetime:
    return datetime.combine(day, time(random.randint(8, 17), random.randint(0, 59)), _UTC)


def _company(random: Random, number: int) -> Company:
    sector, patterns = words.COMPANY_KINDS[number % len(words.COMPANY_KINDS)]
    name = words.COMPANY_NAMES[(number * 7) % len(words.COMPANY_NAMES)]
    pattern = patterns[(number // len(words.COMPANY_KINDS)) % len(patterns)]
    city, country = random.choice(words.CITIES)
    return Company(
        f"company-{number:03}",
        pattern.format(name),
        sector,
        city,
        country,
        int(10 ** random.uniform(0.5, 3)),
        random.choice(_SELLERS),
    )


def _person(random: Random, number: int, companies: list[Company], today: date) -> Person:
    first = random.choice(words.FIRST_NAMES)
    last = words.LAST_NAMES[(number * 31 + number // len(words.LAST_NAMES)) % len(words.LAST_NAMES)]
    company = random.choice(companies) if random.random() < 0.45 else None
    city, country = (company.city, company.country) if company else random.choice(words.CITIES)
    ascii_name = f"{first}.{last}".lower().encode("ascii", "ignore").decode()
    return Person(
        f"person-{number:04}",
        first,
        last,
        f"{ascii_name}.{number}@mail.example",
        f"+49 30 {random.randint(2000000, 9999999)}",
        city,
        country,
        company.name if company else "",
        random.choice(words.ROLES) if company else "",
        company.owner if company else random.choice(_SELLERS),
        tuple(sorted(random.sample(words.TAGS, random.randint(0, 3)))),
        random.choice(words.SOURCES),
        date(random.randint(1950, 2005), random.randint(1, 12), random.randint(1, 28)),
        _day(random, today),
    )


def _interactions(random: Random, person: Person, today: date) -> list[Interaction]:
    found = []
    for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
        span = max(1, (today - person.known_since).days - 1)
        at = _at(random, person.known_since + timedelta(days=random.randint(0, span - 1)))
        kind = random.choice(("note", "note", "call", "meeting"))
        text = random.choice(words.NOTES if kind == "note" else words.CALLS)
        found.append(Interaction(person.external_id, kind, text, at))
    return found


def _deal(random: Random, number: int, shop: Bookshop, today: date) -> Deal:
    pipeline = random.choices(tuple(PIPELINES), (0.5, 0.3, 0.2))[0]
    stages, shares, (fastest, slowest) = PIPELINES[pipeline]
    product = random.choice(_PRODUCTS[pipeline])
    person = random.choice(shop.people)
    opened = max(_day(random, today), person.known_since)
    reached = random.random()
    day, path = opened, []
    for stage, share in zip(stages, shares, strict=True):
        day += timedelta(days=random.randint(fastest, slowest))
        if reached > share or day >= today:
            break
        path.append((stage, day))
    day += timedelta(days=random.randint(fastest, slowest))
    end = "open" if day >= today else "won" if len(path) == len(stages) else "lost"
    company = person.company or random.choice(shop.companies).name
    title = _TITLES[pipeline].format(
        product=product, company=company, person=f"{person.first_name} {person.last_name}"
    )
    return Deal(
        f"deal-{number:04}",
        pipeline,
        title,
        person.external_id,
        company if pipeline != "Pre-orders" else "",
        product,
        person.owner,
        person.source,
        round(_PRICES[product] * random.uniform(0.6, 1.8) / 500) * 500,
        opened,
        tuple(path),
        end,
        day if end != "open" else None,
        random.choice(words.LOST_REASONS) if end == "lost" else "",
        day + timedelta(days=random.randint(5, 40)),
    )


def _order(random: Random, number: int, shop: Bookshop, today: date) -> Order:
    person = shop.people[int(len(shop.people) * random.random() ** 1.6)]
    sku, title, price = random.choice(words.BOOKS)
    day = max(_day(random, today), person.known_since)
    quantity = random.choices((1, 2, 3, 10), (0.7, 0.2, 0.07, 0.03))[0]
    return Order(
        f"order-{number:05}", person.external_id, sku, title, quantity, price, _at(random, day)
    )
