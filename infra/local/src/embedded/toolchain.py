"""Which tools this machine has, and what to install where one is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import Trouble


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that has to be there, and the packages that bring it."""

    name: str
    why: str
    version_args: tuple[str, ...]
    debian: str
    fedora: str
    macos: str
    minimum: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one tool; `problem` is empty if it will do."""

    tool: Tool
    path: str
    version: str
    problem: str


GIT = Tool("git", "fetches Everlog and its updates", ("--version",), "git", "git", "git")
JAVA = Tool(
    "java",
    "runs Kafka",
    ("-version",),
    "openjdk-17-jre-headless",
    "java-21-openjdk-headless",
    "openjdk@21",
    minimum=(17,),
)
MAVEN = Tool("mvn", "fetches Kafka and PostgreSQL", ("-v",), "maven", "maven", "maven")
NPM = Tool("npm", "fetches the web assets", ("--version",), "npm", "npm", "node")
PYTHON = Tool(
    "python", "runs Everlog", ("--version",), "python3", "python3", "python@3.12", minimum=(3, 11)
)

ALL = (GIT, JAVA, MAVEN, NPM, PYTHON)
FOR_EMBEDDED_SERVERS = (JAVA, MAVEN)

_INSTALLERS = (
    ("Debian/Ubuntu", "sudo apt-get install -y", "debian"),
    ("Fedora", "sudo dnf install -y", "fedora"),
    ("macOS", "brew install", "macos"),
)


def locate(tool: Tool) -> str | None:
    """Where the tool's program lies: JAVA_HOME counts before the PATH, as for Java's own tools."""
    if tool is PYTHON:
        return sys.executable
    home = os.environ.get("JAVA_HOME")
    if tool is JAVA and home and (Path(home) / "bin" / "java").exists():
        return str(Path(home) / "bin" / "java")
    return shutil.which(tool.name)


def java() -> str:
    """The program that runs Kafka."""
    return locate(JAVA) or "java"


def look_for(tool: Tool) -> Finding:
    """Find one tool and ask it for its version."""
    path = locate(tool)
    if path is None:
        return Finding(tool, "", "", f"{tool.name} is missing (it {tool.why})")
    try:
        answer = subprocess.run(
            [path, *tool.version_args], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(tool, path, "", f"{path} cannot be run: {error}")
    text = answer.stdout + answer.stderr
    if answer.returncode != 0:  # macOS has a `java` that only says that there is none
        lines = text.strip().splitlines() or ["no reason given"]
        return Finding(tool, path, "", f"{path} does not run: {lines[0]}")
    version = version_in(text)
    if tool.minimum and version_key(version) < tool.minimum:
        wanted = ".".join(map(str, tool.minimum))
        problem = f"{tool.name} is {version or 'of unknown version'}, needed: {wanted} or newer"
        return Finding(tool, path, version, problem)
    return Finding(tool, path, version, "")


def version_in(text: str) -> str:
    """The first version number in a program's answer; Java's old `1.8` is its 8."""
    found = re.search(r"\d+(\.\d+)*", _without_colour(text))
    version = found.group() if found else ""
    return version.removeprefix("1.") if re.match(r"1\.[5-8]\b", version) else version


def version_key(version: str) -> tuple[int, ...]:
    """A version number as something that compares."""
    return tuple(int(part) for part in version.split(".") if part)


def _without_colour(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def examine(tools: Iterable[Tool] = ALL) -> list[Finding]:
    """Look for all the tools."""
    return [look_for(tool) for tool in tools]


def advice(findings: Sequence[Finding]) -> str:
    """Exactly what to install, for each system; empty if nothing is missing."""
    lacking = [finding.tool for finding in findings if finding.problem]
    if not lacking:
        return ""
    lines = []
    for system, command, attribute in _INSTALLERS:
        packages = " ".join(getattr(tool, attribute) for tool in lacking)
        lines.append(f"{system + ':':15} {command} {packages}")
    if JAVA in lacking:
        lines.append("A Java that is elsewhere is found through JAVA_HOME.")
    return "\n".join(lines)


def require(tools: Iterable[Tool]) -> list[Finding]:
    """Look for the tools; raise Trouble with what to install if one is missing or too old."""
    findings = examine(tools)
    problems = [finding.problem for finding in findings if finding.problem]
    if problems:
        raise Trouble("This machine lacks something: " + "; ".join(problems), advice(findings))
    return findings
