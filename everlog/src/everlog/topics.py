"""contracts/topics.yaml: which topics there are, who writes them, who reads what on them."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.events import service_of, wire_name
from chassis.kafka.topics import EVENTS, KEYS
from chassis.manifest import Manifest
from chassis.wire import KEYS_TOPIC, PARTITIONS

_HEAD = """\
# Written by `make contracts` from the services' manifests; reviewed by people.
# key: what a message is keyed by; it decides the partition, and so the order.
"""


def topics_yaml(manifests: Sequence[Manifest]) -> str:
    """The whole file."""
    parts = [_HEAD]
    for manifest in manifests:
        readers = {
            reader.service: sorted(
                wire_name(event)
                for event in reader.received
                if service_of(wire_name(event)) == manifest.service
            )
            for reader in manifests
        }
        events = sorted(wire_name(event) for event in manifest.published())
        parts.append(_topic(manifest.topic, manifest.service, "workspace:stream", EVENTS))
        parts.append("  events:\n" + "".join(f"    - {name}\n" for name in events))
        listed = [_reader(service, names) for service, names in readers.items() if names]
        parts.append("  readers:\n" + "".join(listed))
    parts.append(_topic(KEYS_TOPIC, "whoever owns the person", "workspace:key id", KEYS))
    return "".join(parts)


def _topic(name: str, owner: str, key: str, settings: dict[str, str]) -> str:
    lines = [f"{name}:", f"  owner: {owner}", f"  key: {key!r}", f"  partitions: {PARTITIONS}"]
    lines += ["  settings:", *(f"    {k}: {v!r}" for k, v in settings.items())]
    return "\n" + "\n".join(lines) + "\n"


def _reader(service: str, events: Sequence[str]) -> str:
    return f"    {service}:\n" + "".join(f"      - {name}\n" for name in events)
