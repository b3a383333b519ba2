"""Runs a service's process: `python -m <service> api | worker | both`, and its operator's verbs.

api      answers HTTP requests
worker   relays, projects, reacts, carries out errands; answers health checks
both     all of it in one event loop (small installations, embedded mode)
rebuild  rebuilds one read model (or only builds it beside, or compares) and exits
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from uuid import UUID

import structlog
import uvicorn
import uvloop

from chassis import telemetry
from chassis.clock import SystemClock
from chassis.comparing import verdict
from chassis.consuming import Consumer
from chassis.ending import end
from chassis.errands import compare, rebuilding, run_errands
from chassis.errors import EverlogError
from chassis.http.app import make_app, observed
from chassis.kafka.bookmark import Bookmark
from chassis.kafka.sink import KafkaSink
from chassis.kafka.source import GroupSource
from chassis.keys_topic import LANE as KEYS_LANE
from chassis.lane import LIVE, REACTIONS
from chassis.logs import about
from chassis.manifest import Manifest
from chassis.ports import Partition
from chassis.projector import Projector, known
from chassis.reactor import Reactor
from chassis.relay import Relay
from chassis.releases import not_superseded, renew
from chassis.service import API, BOTH, WORKER, Service
from chassis.settings import ServiceSettings

log = structlog.get_logger("runner")

Task = Callable[[Service], Awaitable[None]]

_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_REFRESH_S = 1.0
KEEP_ALIVE_S = 75
"""How long an idle connection is kept: longer than whoever asks keeps it, see gateway.backend."""
_TELL_S = 2.0
_SETTLED_S = 5.0
"""A task that has run for so long has left its earlier failures behind."""


def main(manifest: Manifest, settings: Callable[[], ServiceSettings] = ServiceSettings) -> None:
    """The whole of a service's `__main__`."""
    parser = argparse.ArgumentParser(prog=f"python -m {manifest.service}")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for role in (API, WORKER, BOTH):
        verbs.add_parser(role)
    rebuilding = verbs.add_parser("rebuild")
    rebuilding.add_argument("read_model", choices=[p.name for p in manifest.projections])
    rebuilding.add_argument("--how", choices=["rebuild", "build", "compare"], default="rebuild")
    rebuilding.add_argument("--errand", type=UUID)
    rebuilding.add_argument("--label", default="")
    arguments = parser.parse_args()
    telemetry.configure(manifest.service, arguments.verb)
    if arguments.verb == "rebuild":
        uvloop.run(_rebuild(manifest, settings(), arguments))
    else:
        uvloop.run(_serve_until_signal(manifest, settings(), arguments.verb))


async def _rebuild(
    manifest: Manifest, settings: ServiceSettings, arguments: argparse.Namespace
) -> None:
    service = Service(manifest, settings, SystemClock(), WORKER)
    name, about = arguments.read_model, (arguments.errand, arguments.label)
    await service.start()
    try:
        if arguments.how == "compare":
            told = verdict(name, await compare(service, name, *about))
        else:
            swap = arguments.how == "rebuild"
            generation = await rebuilding(service, name, *about).run(swap=swap)
            told = f"{name}: generation {generation} {'answers now' if swap else 'stands by'}"
    except EverlogError as error:
        raise SystemExit(str(error)) from error
    finally:
        await service.stop()
    print(told)  # noqa: T201 - the verb's result


async def _serve_until_signal(manifest: Manifest, settings: ServiceSettings, role: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stop.set)
    await serve(manifest, settings, role, stop)


async def serve(
    manifest: Manifest, settings: ServiceSettings, role: str, stop: asyncio.Event
) -> None:
    """Run until `stop` is set, then stop gracefully. Ends at once if its port is taken, and when a
    worker's task has ended, which none should: whoever supervises the process starts it anew."""
    sock = _socket(settings)  # first: who cannot be asked should not have begun to work
    service = Service(manifest, settings, SystemClock(), role)
    await _until_it_works("start", service, Service.start)
    tasks = [asyncio.create_task(_keep("refresh", service, _refresh))]
    if role in (WORKER, BOTH):
        tasks += [
            asyncio.create_task(_keep(name, service, work)) for name, work in workers(manifest)
        ]
    server = _http_server(service, role)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    log.info("started", role=role, listen=settings.listen)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    broken = [task for task in tasks if task.done()]
    server.should_exit = True
    await end(tasks)
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            await serving
    await service.stop()
    if broken:
        raise SystemExit("A task of this worker has ended, which none should: it cannot go on.")
    log.info("stopped")


def workers(manifest: Manifest) -> list[tuple[str, Task]]:
    """The tasks of a worker, by name."""
    tasks: list[tuple[str, Task]] = [
        ("relay", _relay),
        ("projector", _project),
        ("keys", _follow_keys),
        ("errands", run_errands),
        ("releases", renew),
        ("telling", _tell),
    ]
    if manifest.reactions:
        tasks.append(("reactor", _react))
    if manifest.dues:
        tasks.append(("reminders", _remind))
    tasks += [(work.__name__, work) for work in manifest.workers]
    return tasks


def _http_server(service: Service, role: str) -> uvicorn.Server:
    manifest = service.manifest
    app = (
        make_app(service, ())
        if role == WORKER
        else make_app(service, manifest.routers, manifest.public)
    )
    config = uvicorn.Config(
        observed(app),
        http="httptools",
        loop="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=5,
    )
    return _Server(config)


class _Server(uvicorn.Server):
    """Leaves signals to the runner, which has more to stop than HTTP."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _socket(settings: ServiceSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio turns Nagle's delay off (40 ms an answer) only where the protocol is spelt out.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.host, settings.port))
    except OSError as error:
        sock.close()
        raise SystemExit(
            f"Cannot listen on {settings.listen}: {error.strerror}. "
            "Stop the program that does (ss -ltnp), or set EVERLOG_LISTEN to another address."
        ) from error
    sock.set_inheritable(False)
    return sock


async def _keep(name: str, service: Service, work: Task) -> None:
    """Keep a task running: whatever ends it, but the end of the process, it is started anew, with
    growing pauses."""
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        started = loop.time()
        settled = loop.call_later(_SETTLED_S, service.failing.pop, name, None)
        try:
            await work(service)
        except (Exception, asyncio.CancelledError) as error:
            settled.cancel()
            if isinstance(error, asyncio.CancelledError) and _is_to_end():
                raise
            if loop.time() - started > 30:
                failures = 0
            failures += 1
            if failures > 2:
                service.failing[name] = repr(error)
            log.warning("task failed", task=name, failures=failures, **about(error))
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S)) - 1])


def _is_to_end() -> bool:
    """Whether somebody cancelled this task: a library may let a cancellation of its own out."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def _until_it_works(name: str, service: Service, work: Task) -> None:
    for attempt in range(60):
        try:
            await work(service)
            return
        except (OSError, TimeoutError) as error:
            log.warning("waiting", step=name, error=error)
            await asyncio.sleep(min(0.2 * 2**attempt, 2))
    raise SystemExit(f"{name} did not work within two minutes")


async def _refresh(service: Service) -> None:
    while True:
        await service.refresh()
        await asyncio.sleep(_REFRESH_S)


async def _tell(service: Service) -> None:
    while True:
        await service.tell()
        await asyncio.sleep(_TELL_S)


async def _relay(service: Service) -> None:
    kafka = service.settings.kafka
    relay = Relay(
        service.outbox,
        lambda: KafkaSink.open(kafka),
        service.wake_relay,
        topics=service.manifest.published_topics(),
    )
    service.failing.pop("relay", None)
    await relay.run()


async def _project(service: Service) -> None:
    await not_superseded(service)
    reader = service.reader(LIVE)

    async def starts(partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        found = await reader.starts(partitions)
        service.projecting = True
        return found

    kafka, group = service.settings.kafka, f"everlog.{service.manifest.service}.projector"
    reader.use(GroupSource(kafka, group, service.manifest.consumed_topics(), starts))
    projector = Projector(
        reader,
        known(service.manifest.projections),
        service.progress.committed,
        Consumer(LIVE, group, kafka),
    )
    await _step_on("projector", service, projector)


async def _react(service: Service) -> None:
    reader, name = service.reader(REACTIONS), service.manifest.service
    kafka, group = service.settings.kafka, f"everlog.{name}.reactor"
    reader.use(GroupSource(kafka, group, service.manifest.reaction_topics(), reader.starts))
    reactor = Reactor(reader, service.reacting, Consumer(REACTIONS, group, kafka))
    mark = Bookmark(kafka, name)
    try:
        await _step_on("reactor", service, reactor, lambda: mark.keep(reader.reached()))
    finally:
        await mark.close()


async def _nothing() -> None:
    return


async def _step_on(
    name: str,
    service: Service,
    lane: Projector | Reactor,
    after: Callable[[], Awaitable[None]] = _nothing,
) -> None:
    try:
        await lane.start()
        while True:
            await lane.step()
            service.failing.pop(name, None)
            await after()
    finally:
        await lane.stop()


async def _follow_keys(service: Service) -> None:
    service.failing.pop(KEYS_LANE, None)
    await service.subjects.follow()


async def _remind(service: Service) -> None:
    while True:
        done = await service.reminders.step(service.manifest.dues, service.work_log)
        service.failing.pop("reminders", None)
        if not done:
            await service.clock.sleep(0.5)
