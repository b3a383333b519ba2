"""How values read on a page: money, numbers, dates, times, names. Pure."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF ", "INR": "₹"}
# ISO 4217: how many digits the minor unit takes where it is not two.
_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "TND": 3}
_SCALES = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K"))
_TONES = 8
_MONTHS = "January February March April May June July August September October November December"
MONTHS = tuple(_MONTHS.split())
NONE = "–"
A_DAY = len("2026-03-30")


def digits_of(currency: str) -> int:
    """How many digits a currency has after the point."""
    return _DIGITS.get(currency, 2)


def major(amount_minor: int, currency: str) -> Decimal:
    """An amount in whole units of its currency."""
    return Decimal(amount_minor).scaleb(-digits_of(currency))


def minor(text: str, currency: str) -> int:
    """What somebody typed as an amount, in minor units. Raises ValueError with what to do."""
    cleaned = re.sub(r"[\s'_]", "", text.strip())
    cleaned = re.sub(r"^(?:[A-Za-z]{3}|[€$£¥₹])|(?:[A-Za-z]{3}|[€$£¥₹])$", "", cleaned)
    # 1.250,00 and 1.250 are how much of Europe writes it; three digits after a point are thousands
    # wherever the currency has no thousandths.
    grouped = digits_of(currency) < 3 and re.fullmatch(r"-?[1-9]\d{0,2}(\.\d{3})+(,\d+)?", cleaned)
    if grouped or re.fullmatch(r"-?\d+,\d{1,2}", cleaned):
        cleaned = cleaned.replace(".", "").replace(",", ".")
    cleaned = cleaned.replace(",", "")
    if not re.fullmatch(r"-?\d+(\.\d+)?", cleaned):
        raise ValueError(f"“{text.strip()}” is no amount. Write it like 1250 or 1,250.50.")
    shifted = Decimal(cleaned).scaleb(digits_of(currency))
    return int(shifted.quantize(Decimal(1), ROUND_HALF_UP))


def money(
    amount: int | float | Decimal | None, currency: str | None, *, cents: bool = False
) -> str:
    """An amount in whole units: `€1,250`. `cents` shows the minor unit too, unless it is zero."""
    if amount is None:
        return NONE
    code = currency or ""
    value = Decimal(str(amount))
    places = digits_of(code) if cents and value != value.to_integral_value() else 0
    text = f"{abs(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)):,}"
    sign = "−" if value < 0 and text.strip("0.,") else ""
    return sign + _SYMBOLS.get(code, f"{code} " if code else "") + text


def money_of(value: dict[str, object] | None, *, cents: bool = True) -> str:
    """An amount as the API gives it: `{amount_minor, currency}`."""
    if not value or value.get("amount_minor") is None:
        return NONE
    currency = str(value.get("currency") or "")
    return money(major(int(str(value["amount_minor"])), currency), currency, cents=cents)


def short_money(amount: int | float | Decimal | None, currency: str | None) -> str:
    """An amount where space is scarce: `€1.3M`, `€84K`, `€950`."""
    if amount is None:
        return NONE
    code = currency or ""
    return _scaled(float(amount), _SYMBOLS.get(code, f"{code} " if code else ""))


def short_number(number: int | float | None) -> str:
    """A number where space is scarce: `12.3K`."""
    return NONE if number is None else _scaled(float(number), "")


def _scaled(number: float, prefix: str) -> str:
    sign, size = ("−" if number < 0 else ""), abs(number)
    for scale, letter in _SCALES:
        # 999,950 would round to 1000.0K: it is 1.0M
        if size >= scale * 0.99995 and size >= 10_000:
            scaled = size / scale
            text = f"{scaled:.0f}" if scaled >= 99.95 else f"{scaled:.1f}".removesuffix(".0")
            return f"{sign}{prefix}{text}{letter}"
    return f"{sign}{prefix}{size:,.0f}"


def number(value: int | float | None, places: int = 0) -> str:
    """A number with thousands separated."""
    return NONE if value is None else f"{value:,.{places}f}"


def percent(ratio: float | None, places: int = 1) -> str:
    """A ratio from 0 to 1 as a percentage."""
    return NONE if ratio is None else f"{ratio * 100:.{places}f}%"


def figure(value: float | None, unit: str, currency: str | None = None) -> str:
    """A KPI's value in its unit."""
    if value is None:
        return NONE
    match unit:
        case "ratio":
            return percent(value)
        case "money":
            return money(value, currency) if abs(value) < 1_000_000 else _big_money(value, currency)
        case "days":
            return f"{value:,.1f} days"
        case _:
            return number(value, 0 if float(value).is_integer() else 1)


def _big_money(value: float, currency: str | None) -> str:
    code = currency or ""
    return f"{_SYMBOLS.get(code, f'{code} ' if code else '')}{value:,.0f}"


def parse_time(value: str | datetime | None) -> datetime | None:
    """A timestamp of the API (RFC 3339)."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_day(value: str | date | None) -> date | None:
    """A date of the API."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(value[:10])


def zone(name: str | None) -> ZoneInfo:
    """A time zone by name; UTC if there is none of that name."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def day(value: str | date | None, *, today: date | None = None) -> str:
    """A date: `3 Apr`, with the year unless it is this one."""
    parsed = parse_day(value)
    if parsed is None:
        return NONE
    text = f"{parsed.day} {MONTHS[parsed.month - 1][:3]}"
    return text if today and parsed.year == today.year else f"{text} {parsed.year}"


def month(value: str | date | None) -> str:
    """A month: `April 2026`."""
    parsed = parse_day(f"{value}-01" if isinstance(value, str) and len(value) == 7 else value)
    return NONE if parsed is None else f"{MONTHS[parsed.month - 1]} {parsed.year}"


def moment(value: str | datetime | None, in_zone: ZoneInfo) -> str:
    """A moment in full: `3 Apr 2026, 14:05`."""
    parsed = parse_time(value)
    if parsed is None:
        return NONE
    local = parsed.astimezone(in_zone)
    return f"{day(local.date())}, {local:%H:%M}"


def point(value: str, in_zone: ZoneInfo) -> str:
    """A point to look at the past from: a moment, or a day, which means its end: `the end of
    3 Apr 2026`."""
    return f"the end of {day(value)}" if len(value) == A_DAY else moment(value, in_zone)


def ago(value: str | datetime | None, now: datetime) -> str:
    """How long ago: `just now`, `5 min ago`, `yesterday`, `12 days ago`, then the date."""
    parsed = parse_time(value)
    if parsed is None:
        return NONE
    past = now - parsed
    if past < timedelta(0):
        return day(parsed, today=now.date()) if past < timedelta(minutes=-5) else "just now"
    seconds = past.total_seconds()
    if seconds < 45:
        return "just now"
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min ago"
    if seconds < 22 * 3600:
        return f"{max(1, round(seconds / 3600))} h ago"
    days = max(1, (now.date() - parsed.date()).days)
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < 30 else day(parsed, today=now.date())


def due(value: str | date | None, today: date) -> str:
    """A day that lies ahead, or has passed: `today`, `in 5 days`, `3 days overdue`."""
    parsed = parse_day(value)
    if parsed is None:
        return NONE
    days = (parsed - today).days
    if days in (0, 1, -1):
        return {0: "today", 1: "tomorrow", -1: "yesterday"}[days]
    if days < 0:
        return f"{-days} days overdue" if days > -60 else f"overdue since {day(parsed)}"
    return f"in {days} days" if days < 30 else day(parsed, today=today)


def initials(name: str | None) -> str:
    """One or two letters for an avatar."""
    words = [word for word in re.split(r"[\s.\-_@]+", name or "") if word[:1].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def tone(key: str | None) -> int:
    """Which of the avatars' colours belongs to somebody: always the same one."""
    return hashlib.md5((key or "").encode(), usedforsecurity=False).digest()[0] % _TONES


def plural(count: int | float | None, one: str, many: str | None = None) -> str:
    """`1 deal`, `2 deals`, `1,204 deals`."""
    return f"{count or 0:,} {one if count == 1 else many or one + 's'}"


def size(octets: int) -> str:
    """How big a file is."""
    if octets < 1024:
        return f"{octets} B"
    return f"{octets / 1024:.0f} KB" if octets < 1024**2 else f"{octets / 1024**2:.1f} MB"


def device(agent: str | None) -> str:
    """A browser's user agent as people call it: `Chrome on Windows`."""
    agent = agent or "Unknown device"
    browsers = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"))
    browser = next((name for mark, name in browsers if mark in agent), None)
    if browser is None and "Safari/" in agent:
        browser = "Safari"
    systems = (
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    )
    system = next((name for mark, name in systems if mark in agent), None)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or agent[:60]
