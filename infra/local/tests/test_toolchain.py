"""What the doctor says about a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded.errors import Trouble
from embedded.toolchain import (
    GIT,
    JAVA,
    MAVEN,
    Finding,
    advice,
    examine,
    look_for,
    require,
    version_in,
    version_key,
)


def program(directory: Path, name: str, answer: str, status: int = 0) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\nprintf '%s\\n' '{answer}' >&2\nexit {status}\n")
    path.chmod(0o755)


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def test_a_java_that_is_too_old_is_a_problem_and_the_package_is_named(only: Path) -> None:
    program(only, "java", 'openjdk version "11.0.2" 2019-01-15')
    finding = look_for(JAVA)
    assert finding.version == "11.0.2"
    assert finding.problem == "java is 11.0.2, needed: 17 or newer"
    assert "apt-get install -y openjdk-17-jre-headless" in advice([finding])
    assert "brew install openjdk@21" in advice([finding])


def test_a_java_of_today_will_do(only: Path) -> None:
    program(only, "java", 'openjdk version "17.0.15" 2025-04-15')
    assert look_for(JAVA) == Finding(JAVA, str(only / "java"), "17.0.15", "")


def test_java_home_counts_before_the_path(
    only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(only, "java", 'openjdk version "11"')
    program(tmp_path / "jdk" / "bin", "java", 'openjdk version "25"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert look_for(JAVA).version == "25"


def test_a_java_that_only_says_that_there_is_none_counts_as_missing(only: Path) -> None:
    program(only, "java", "Unable to locate a Java Runtime.", status=1)
    assert "Unable to locate a Java Runtime." in look_for(JAVA).problem


def test_all_that_is_missing_is_named_at_once_in_one_line_per_system(only: Path) -> None:
    with pytest.raises(Trouble) as trouble:
        require([GIT, MAVEN])
    assert "git is missing" in trouble.value.what
    assert "mvn is missing" in trouble.value.what
    assert "apt-get install -y git maven" in trouble.value.advice


def test_nothing_missing_needs_no_advice(only: Path) -> None:
    program(only, "git", "git version 2.39.5")
    assert advice(examine([GIT])) == ""


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ('java version "1.8.0_392"', "8.0"),
        ('openjdk version "21" 2023-09-19', "21"),
        ("\x1b[1mApache Maven 3.8.7\x1b[m", "3.8.7"),
        ("git version 2.39.5 (Apple Git-154)", "2.39.5"),
        ("nothing", ""),
    ],
)
def test_the_version_is_read_out_of_any_answer(answer: str, version: str) -> None:
    assert version_in(answer) == version


def test_versions_compare_as_numbers() -> None:
    assert version_key("9.0") < version_key("17") < version_key("17.0.15")
