"""Signed statements: what is checked is what was signed, and by whom."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.certificate import certify, check, key_of, public_key
from chassis.errors import Tampered
from chassis.ids import new_id
from chassis.vault import Keyring

OURS, THEIRS = Keyring(bytes(32)), Keyring(bytes(range(32)))
STATEMENT = {"kind": "erasure of a person", "person_id": new_id(), "records": [{"events": 3}]}


def test_what_was_signed_is_told_to_whoever_trusts_the_key() -> None:
    document = certify(OURS, STATEMENT)
    key = public_key(key_of(OURS).as_pem(private=False))
    assert check(document, key) == {**STATEMENT, "person_id": str(STATEMENT["person_id"])}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"certificate": {"kind": "erasure of a person", "records": []}}, "not what was signed"),
        ({"jws": certify(OURS, {"kind": "another"})["jws"]}, "not what was signed"),
        ({"jws": certify(OURS, STATEMENT)["jws"][:-8] + "AAAAAAAA"}, "changed after"),
        ({"jws": "nothing"}, "changed after"),
        ({"jws": None}, "no signature"),
    ],
)
def test_a_changed_certificate_is_not_valid(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Tampered, match=why):
        check({**certify(OURS, STATEMENT), **change}, key_of(OURS))


def test_the_key_that_comes_with_it_is_not_trusted() -> None:
    document = certify(THEIRS, STATEMENT)
    with pytest.raises(Tampered, match=key_of(THEIRS).thumbprint()):
        check(document, key_of(OURS))


def test_another_document_signed_with_the_same_key_is_no_certificate() -> None:
    from joserfc import jws

    token = jws.serialize_compact({"alg": "Ed25519"}, b"{}", key_of(OURS), algorithms=["Ed25519"])
    with pytest.raises(Tampered, match="not what was signed"):
        check({"jws": token, "certificate": {}}, key_of(OURS))


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(Tampered, match="no public key"):
        public_key(b"-----BEGIN NOTHING-----")
