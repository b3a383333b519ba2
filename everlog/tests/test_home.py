"""EVERLOG_HOME: its secrets, its ports, its addresses."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from embedded.errors import Trouble
from everlog.home import Home


def home_at(path: Path, **environ: str) -> Home:
    return Home.of({"EVERLOG_HOME": str(path), **environ})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_for_the_owners_eyes_only(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    home.ensure()
    assert mode(home.secrets) == 0o700
    assert {mode(secret) for secret in home.secrets.iterdir()} == {0o600}
    assert mode(home.credentials_file) == 0o600
    assert mode(home.mailbox) == 0o700


def test_secrets_once_made_are_kept(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    home.ensure()
    before = {secret.name: secret.read_text() for secret in home.secrets.iterdir()}
    home.ensure()
    assert {secret.name: secret.read_text() for secret in home.secrets.iterdir()} == before
    assert set(before) == {"master.key", "postgres.password", "signing.key", "verify.pem"}


def test_the_master_key_is_64_hexadecimal_digits(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    home.ensure()
    assert len(bytes.fromhex((home.secrets / "master.key").read_text())) == 32


@pytest.mark.parametrize(
    "left", ["credentials", "sample", "secrets/signing.key", "postgres/data/base", "kafka/topic"]
)
def test_a_home_that_holds_data_does_not_start_without_its_master_key(
    tmp_path: Path, left: str
) -> None:
    home = home_at(tmp_path / "home")
    kept = home.path / left
    kept.parent.mkdir(parents=True)
    kept.write_text("from before")
    with pytest.raises(Trouble, match=r"secrets/master\.key is missing") as trouble:
        home.ensure()
    assert "from your copy" in trouble.value.advice
    assert "nobody can sign in" in trouble.value.advice
    assert not (home.secrets / "master.key").exists()


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31])
def test_a_damaged_master_key_is_not_taken(tmp_path: Path, text: str) -> None:
    home = home_at(tmp_path / "home")
    home.ensure()
    (home.secrets / "master.key").write_text(text)
    with pytest.raises(Trouble, match="is damaged"):
        home.ensure()


def test_a_home_with_a_database_does_not_start_without_its_password(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    home.ensure()
    (home.secrets / "postgres.password").unlink()
    with pytest.raises(Trouble, match=r"postgres\.password is missing") as trouble:
        home.ensure()
    assert "docs/runbook.md" in trouble.value.advice
    elsewhere = home_at(tmp_path / "home", EVERLOG_POSTGRES="postgresql://root:x@db.example/x")
    assert elsewhere.ensure().remarks == ()


@pytest.mark.parametrize("lost", [("signing.key",), ("verify.pem",), ("signing.key", "verify.pem")])
def test_a_lost_signing_pair_is_made_anew_as_a_pair_and_that_is_said(
    tmp_path: Path, lost: tuple[str, ...]
) -> None:
    home = home_at(tmp_path / "home")
    home.ensure()
    for name in lost:
        (home.secrets / name).unlink()
    [remark] = home.ensure().remarks
    assert "Sessions go on" in remark
    sign_and_verify(home)
    assert home.ensure().remarks == ()
    assert mode(home.secrets / "verify.pem") == 0o600


def test_a_public_key_of_another_pair_is_put_right(tmp_path: Path) -> None:
    home, other = home_at(tmp_path / "home"), home_at(tmp_path / "other")
    home.ensure()
    other.ensure()
    (home.secrets / "verify.pem").write_bytes((other.secrets / "verify.pem").read_bytes())
    [remark] = home.ensure().remarks
    assert "verify.pem did not fit" in remark
    sign_and_verify(home)


def test_what_the_signing_key_signs_the_public_key_verifies(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    home.ensure()
    sign_and_verify(home)


def sign_and_verify(home: Home) -> None:
    private = load_pem_private_key((home.secrets / "signing.key").read_bytes(), password=None)
    public = load_pem_public_key((home.secrets / "verify.pem").read_bytes())
    assert isinstance(private, Ed25519PrivateKey)
    assert isinstance(public, Ed25519PublicKey)
    public.verify(private.sign(b"token"), b"token")


def test_the_administrators_password_is_new_once(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    assert home.ensure().password_is_new
    first = home.credentials()
    assert not home.ensure().password_is_new
    assert home.credentials() == first
    assert first.email == "admin@example.com"
    assert len(first.password) >= 16


def test_an_administrator_that_was_named_is_taken(tmp_path: Path) -> None:
    home = home_at(
        tmp_path / "home", EVERLOG_ADMIN_EMAIL="ada@example.com", EVERLOG_ADMIN_PASSWORD="a=b c"
    )
    home.ensure()
    assert (home.credentials().email, home.credentials().password) == ("ada@example.com", "a=b c")


def test_every_address_derives_from_the_one_port(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home", EVERLOG_PORT="9000")
    home.ensure()
    assert home.url == "http://127.0.0.1:9000"
    assert home.smtp == "smtp://127.0.0.1:9010"
    assert home.postgres == "postgresql://127.0.0.1:9020"
    assert home.kafka == "127.0.0.1:9021"


def test_services_are_not_told_the_superusers_password(tmp_path: Path) -> None:
    home = home_at(
        tmp_path / "home",
        EVERLOG_POSTGRES="postgresql://root:p%40ss@db.example:6432/x?sslmode=require",
    )
    assert home.postgres == "postgresql://db.example:6432?sslmode=require"
    assert home.postgres_admin == "postgresql://root:p%40ss@db.example:6432/x?sslmode=require"
    assert not home.own_postgres


def test_servers_that_were_given_are_used(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home", EVERLOG_KAFKA="broker:9092", EVERLOG_SMTP="smtp://relay:25")
    assert (home.kafka, home.smtp) == ("broker:9092", "smtp://relay:25")
    assert not home.own_kafka
    assert not home.own_smtp


@pytest.mark.parametrize("port", ["99", "http", "65535", "-1", "8080.5"])
def test_a_port_that_cannot_be_used_is_refused_with_the_range(port: str, tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="EVERLOG_PORT is") as trouble:
        home_at(tmp_path, EVERLOG_PORT=port)
    assert "1024 to 65513" in trouble.value.advice


def test_a_home_that_cannot_be_made_says_which_variable_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Trouble) as trouble:
        home_at(tmp_path / "file").ensure()
    assert "EVERLOG_HOME" in trouble.value.advice
