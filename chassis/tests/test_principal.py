"""A signed token is good only as identity signed it, for this installation, until it expires."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey

from chassis.errors import Unauthenticated
from chassis.http.principal import ALGORITHM, ISSUER, OWN, Principal, Verifier, sign
from chassis.ids import new_id

KEY = OKPKey.generate_key("Ed25519")
STRANGER = OKPKey.generate_key("Ed25519")
ADA = Principal(new_id(), new_id(), "Ada", "sales", frozenset({"deals.read"}), OWN, frozenset())


def verifier() -> Verifier:
    return Verifier(OKPKey.import_key(KEY.as_pem(private=False)))


def token(key: OKPKey = KEY, *, now: float | None = None, lifetime_s: int = 60) -> str:
    return sign(key, ADA, now=time.time() if now is None else now, lifetime_s=lifetime_s)


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def opened(text: str) -> dict[str, Any]:
    claims = text.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return found


def signed(claims: Any, **header: Any) -> str:
    """Whatever is claimed, signed with identity's own key."""
    protected = {"alg": ALGORITHM, **header}
    return jws.serialize_compact(protected, json.dumps(claims), KEY, algorithms=[ALGORITHM])


def test_a_token_says_who_asks_until_it_expires() -> None:
    checker = verifier()
    assert checker.verify(token()) == checker.verify(token()) == ADA
    with pytest.raises(Unauthenticated, match="expired") as refused:
        checker.verify(token(now=time.time() - 61))
    assert refused.value.problem == "token-expired"


def test_a_token_that_was_good_expires_although_it_is_remembered() -> None:
    checker, text = verifier(), token(now=time.time() - 59, lifetime_s=60)
    assert checker.verify(text) == ADA
    time.sleep(1.1)
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="expired"):
            checker.verify(text)


def test_a_token_by_another_key_is_refused() -> None:
    with pytest.raises(Unauthenticated, match="cannot be read"):
        verifier().verify(token(STRANGER))


@pytest.mark.parametrize(
    "change",
    [{"role": "administrator"}, {"may": ["ops"]}, {"sees": "all"}, {"ws": str(new_id())}],
    ids=["role", "permissions", "sees", "workspace"],
)
def test_a_changed_payload_is_refused(change: dict[str, Any]) -> None:
    text = token()
    head, _, signature = text.split(".")
    forged = f"{head}.{part({**opened(text), **change})}.{signature}"
    checker = verifier()
    checker.verify(text)  # remembering it must not let another one in
    with pytest.raises(Unauthenticated, match="cannot be read"):
        checker.verify(forged)


def by_hmac(head: str, payload: str) -> str:
    """The public key, which everybody may know, as the secret of another algorithm."""
    secret = KEY.as_pem(private=False)
    return part(hmac.digest(secret, f"{head}.{payload}".encode(), hashlib.sha256))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "EdDSA", "", None, 7])
def test_no_other_algorithm_is_taken(algorithm: Any) -> None:
    head, payload = part({"alg": algorithm, "typ": "JWT"}), part(opened(token()))
    signatures = ["", token().split(".")[2], by_hmac(head, payload)]
    for signature in signatures:
        with pytest.raises(Unauthenticated, match="cannot be read"):
            verifier().verify(f"{head}.{payload}.{signature}")


def test_not_even_another_name_of_the_algorithm_is_taken() -> None:
    payload = json.dumps(opened(token()))
    with pytest.warns(SecurityWarning):  # the library would rather not
        text = jws.serialize_compact({"alg": "EdDSA"}, payload, KEY, algorithms=["EdDSA"])
    with pytest.raises(Unauthenticated, match="cannot be read"):
        verifier().verify(text)


def test_a_token_of_another_issuer_is_refused_though_its_key_is_right() -> None:
    assert verifier().verify(signed(opened(token()))) == ADA
    with pytest.raises(Unauthenticated, match="not issued by this installation"):
        verifier().verify(signed({**opened(token()), "iss": "somebody-else"}))
    assert opened(token())["iss"] == ISSUER


NO_TEXT: tuple[Any, ...] = (None, 7, [], {}, True)
NO_LIST: tuple[Any, ...] = (None, 7, "ops", {}, True, [7], [None], [["ops"]])
NOT_SO = {
    "iss": NO_TEXT,
    "name": NO_TEXT,
    "role": NO_TEXT,
    "sees": (*NO_TEXT, "everything"),
    "sub": (*NO_TEXT, "ada"),
    "ws": (*NO_TEXT, "bookshop"),
    "may": NO_LIST,
    "owners": (*NO_LIST, ["ada"]),
    "exp": (None, "nan", "inf", "4102444800", [], {}, True, 4102444800.5),
}


@pytest.mark.parametrize("claim", NOT_SO)
def test_a_claim_that_is_missing_or_of_another_kind_is_refused(claim: str) -> None:
    claims = opened(token())
    del claims[claim]
    for changed in (claims, *({**claims, claim: instead} for instead in NOT_SO[claim])):
        with pytest.raises(Unauthenticated, match="cannot be read"):
            verifier().verify(signed(changed))


@pytest.mark.parametrize("claims", [[], "x", 7, None, [["sub", 1]]])
def test_a_payload_that_is_no_set_of_claims_is_refused(claims: Any) -> None:
    with pytest.raises(Unauthenticated, match="cannot be read"):
        verifier().verify(signed(claims))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b.c.d.e",
        "ä.ö.ü",
        f"{part([])}.{part({})}.x",
        f"{part(b'[' * 20_000)}.{part({})}.x",
        f"{part(b'{' * 20_000)}.{part({})}.x",
        f"{part({'alg': ALGORITHM, 'crit': ['b64'], 'b64': False})}.x.x",
        f"{part({'alg': ALGORITHM, 'crit': 'x'})}.x.x",
    ],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated, match="cannot be read"):
        verifier().verify(text)
