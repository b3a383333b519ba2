"""A Faust agent that folds the orders' topic into a table: faust_agent.py KAFKA TOPIC COUNT.

Prints events per second, from the first event to the last of COUNT.
"""

from __future__ import annotations

import os
import sys
import time

import faust
import msgspec

KAFKA, TOPIC, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])

app = faust.App(
    "bench.faust",
    broker=f"kafka://{KAFKA}",
    store="memory://",
    consumer_auto_offset_reset="earliest",
    topic_disable_leader=True,
    web_enabled=False,
    stream_wait_empty=False,
)
orders = app.Table("orders", default=dict, partitions=12)
topic = app.topic(TOPIC, key_type=bytes, value_type=bytes, value_serializer="raw")
decode = msgspec.json.Decoder().decode
COLUMNS = (
    "number", "customer_id", "city", "channel", "currency", "total_minor", "carrier", "parcels",
)  # fmt: skip


@app.agent(topic, concurrency=1)
async def fold(events: object) -> None:
    """One row per order."""
    seen, begin = 0, 0.0
    async for event in events.events():  # type: ignore[attr-defined]
        if not seen:
            begin = time.perf_counter()
        body = decode(event.value)
        row = orders[body["order_id"]]
        row.update({name: body[name] for name in COLUMNS if name in body})
        orders[body["order_id"]] = row
        seen += 1
        if seen == COUNT:
            rate = seen / (time.perf_counter() - begin)
            os.write(1, f"\nrate {rate}\n".encode())  # Faust turns print into a log message
            os._exit(0)


if __name__ == "__main__":
    sys.argv = ["faust", "worker", "-l", "error"]
    app.main()
