"""Signed statements that can be checked without Everlog: what was said, and that we said it.

A certificate is a JSON document: `certificate` for people to read, `jws` the same signed (RFC 7515,
Ed25519), `public_key` the key it is signed with (RFC 8037). Whoever checks it has to know that key
from elsewhere: a key that comes along with what it signs proves nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from chassis.errors import Tampered
from chassis.vault import Keyring

ALGORITHM = "Ed25519"
TYPE = "everlog-certificate"


def key_of(keyring: Keyring) -> OKPKey:
    """The key that an installation signs certificates with: it follows from its master key."""
    return OKPKey.import_key(keyring.certificate_key())


def public_key(pem: bytes) -> OKPKey:
    """The key of whoever is trusted. Raises Tampered if these bytes are none."""
    try:
        return OKPKey.import_key(pem)
    except (JoseError, ValueError) as error:
        raise Tampered(f"This is no public key in PEM: {error}") from error


def certify(keyring: Keyring, statement: dict[str, Any]) -> dict[str, Any]:
    """The certificate of a statement."""
    key = key_of(keyring)
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.thumbprint()}
    payload = msgspec.json.encode(statement)
    return {
        "certificate": msgspec.json.decode(payload),
        "jws": jws.serialize_compact(header, payload, key, algorithms=[ALGORITHM]),
        "public_key": key.as_dict(private=False) | {"kid": key.thumbprint()},
    }


def check(document: Any, key: OKPKey) -> dict[str, Any]:
    """What a certificate states. Raises Tampered if it is none, or not one signed with this key."""
    if not isinstance(document, dict) or not isinstance(document.get("jws"), str):
        raise Tampered("This is no certificate: it has no signature (`jws`).")
    try:
        signed = jws.deserialize_compact(document["jws"], key, algorithms=[ALGORITHM])
        stated = msgspec.json.decode(signed.payload)
    except (JoseError, ValueError, msgspec.DecodeError) as error:
        known = document.get("public_key")
        other = known.get("kid") if isinstance(known, dict) else None
        if other not in (None, key.thumbprint()):
            raise Tampered(
                f"It is signed with another key ({other}) than the one you trust "
                f"({key.thumbprint()})."
            ) from error
        raise Tampered("The signature does not fit: it was changed after it was signed.") from error
    if signed.headers().get("typ") != TYPE or stated != document.get("certificate"):
        raise Tampered("What it shows is not what was signed.")
    return dict(stated)
