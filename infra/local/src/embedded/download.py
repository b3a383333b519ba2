"""Fetches the pinned servers with Maven, once, and unpacks them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import Trouble
from embedded.toolchain import FOR_EMBEDDED_SERVERS, MAVEN, locate, require

PROJECT = Path(__file__).resolve().parents[2]
POM = PROJECT / "pom.xml"
CACHE = PROJECT / "target"

_POSTGRES_JAR = "embedded-postgres-binaries-*.jar"
_FETCH_S_MAX = 600


@dataclass(frozen=True, slots=True)
class Servers:
    """The unpacked servers. They hold no data and are shared by every EVERLOG_HOME."""

    home: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's directory: bin/, lib/, share/."""
        return self.home / "postgres"

    @property
    def kafka_jars(self) -> list[Path]:
        """Kafka's class path."""
        return sorted((self.home / "jars").glob("*.jar"))


def machine() -> str:
    """This machine as the PostgreSQL binaries name it."""
    systems = {"linux": "linux", "darwin": "darwin"}
    processors = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64v8", "arm64": "arm64v8"}
    system = systems.get(sys.platform)
    processor = processors.get(platform.machine().lower())
    if system is None or processor is None:
        raise Trouble(
            f"There are no embedded servers for {sys.platform} on {platform.machine()}.",
            "Use `docker compose up`, or set EVERLOG_POSTGRES and EVERLOG_KAFKA to your own.",
        )
    return f"{system}-{processor}"


def fetch(say: Callable[[str], None]) -> Servers:
    """The servers of pom.xml: from the cache if they are there, else by Maven."""
    if not POM.exists():
        raise Trouble(
            "The embedded servers need a checkout of Everlog (infra/local/pom.xml is missing).",
            "Set EVERLOG_POSTGRES and EVERLOG_KAFKA to servers of your own.",
        )
    target = machine()
    key = hashlib.sha256(POM.read_bytes() + target.encode()).hexdigest()[:12]
    servers = Servers(CACHE / f"servers-{key}")
    if servers.home.exists():
        return servers
    CACHE.mkdir(exist_ok=True)
    with _locked(CACHE / ".lock"):
        if not servers.home.exists():  # else another one has just fetched them
            require(FOR_EMBEDDED_SERVERS)
            _fetch_into(servers, target, say)
    return servers


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch_into(servers: Servers, target: str, say: Callable[[str], None]) -> None:
    fresh = servers.home.with_suffix(".new")  # renamed when complete
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    say("Fetching Kafka and PostgreSQL with Maven (once, about 60 MB)")
    _run_maven(fresh / "jars", target)
    say("Unpacking PostgreSQL")
    _unpack_postgres(fresh)
    fresh.rename(servers.home)


def _run_maven(into: Path, target: str) -> None:
    maven = locate(MAVEN) or "mvn"
    command = [maven, "--batch-mode", "--quiet", "-Dstyle.color=never", f"--file={POM}"]
    command += [f"-Dpostgres.platform={target}", f"-DoutputDirectory={into}"]
    command += ["dependency:copy-dependencies"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_FETCH_S_MAX, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Trouble(
            f"Maven did not fetch the servers within {_FETCH_S_MAX} s.",
            "Check the network (a proxy or mirror belongs in ~/.m2/settings.xml) and try again.",
        ) from error
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise Trouble(
            "Maven could not fetch Kafka and PostgreSQL.",
            "Check the network (a proxy or mirror belongs in ~/.m2/settings.xml) and try again.",
            "\n".join(lines[:12]),
        )


def _unpack_postgres(home: Path) -> None:
    (jar,) = (home / "jars").glob(_POSTGRES_JAR)
    with zipfile.ZipFile(jar) as outer:
        (inner,) = (name for name in outer.namelist() if name.endswith(".txz"))
        with outer.open(inner) as stream, tarfile.open(fileobj=stream, mode="r|xz") as archive:
            # As an attribute: Python 3.11 knows the argument only from its fourth bug fix on.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(home / "postgres")
    jar.unlink()  # not for Kafka's class path
    for directory in (home, home / "postgres"):
        os.chmod(directory, 0o755)  # PostgreSQL may run under another account
