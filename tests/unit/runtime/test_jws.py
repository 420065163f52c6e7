"""Signed tokens, which every library of JSON Web Tokens makes and reads."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.runtime.rpc.jws import Signed, sign

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
CLAIMS = {"iss": "odd", "iat": 1_800_000_000, "methods": ["a/B"], "name": "Øystein"}


def test_what_is_signed_here_is_read_by_another_library() -> None:
    token = sign("puppet-token", CLAIMS, KEY)
    read = jwt.decode(token, KEY.public_key(), ["EdDSA"], options={"verify_iat": False})
    assert (jwt.get_unverified_header(token), read) == ({"alg": "EdDSA", "typ": "puppet-token"}, CLAIMS)


def test_what_another_library_signs_is_read_here() -> None:
    signed = Signed.read(jwt.encode(CLAIMS, KEY, "EdDSA", headers={"typ": "puppet-token"}))
    signed.check(PUBLIC)
    assert (signed.kind, signed.claims) == ("puppet-token", CLAIMS)


def test_a_signature_holds_for_its_own_words_and_key_only() -> None:
    token = sign("puppet-token", CLAIMS, KEY)
    header, _, signature = token.split(".")
    others = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for changed, key in (
        (f"{header}.{_part({**CLAIMS, 'iss': 'operator'})}.{signature}", PUBLIC),
        (f"{_part({'alg': 'EdDSA', 'typ': 'puppet-delegation'})}.{token.split('.', 1)[1]}", PUBLIC),
        (f"{header}.{_part(CLAIMS)}.{signature[:-2]}", PUBLIC),
        (token, others),
    ):
        with pytest.raises(ValueError, match="another one's"):
            Signed.read(changed).check(key)


@pytest.mark.parametrize(
    "token",
    [
        jwt.encode(CLAIMS, "", "none", headers={"typ": "puppet-token"}),
        jwt.encode(CLAIMS, PUBLIC.hex(), "HS256", headers={"typ": "puppet-token"}),
        jwt.encode(CLAIMS, KEY, "EdDSA", headers={"typ": "puppet-token", "crit": ["b64"], "b64": True}),
        "",
        "odd",
        "a.b",
        "a.b.c.d",
        "é.b.c",
        *(sign("puppet-token", CLAIMS, KEY) + end for end in ("=", "\n", " ", ".")),
    ],
)
def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match=r"asked for|another way|base64"):
        Signed.read(token)


def test_a_token_has_one_spelling() -> None:
    token = sign("puppet-token", CLAIMS, KEY)
    # A signature of 64 bytes ends in four bits that say nothing.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = letters[letters.index(token[-1]) ^ 1]
    with pytest.raises(ValueError, match="base64"):
        Signed.read(token[:-1] + other)


@pytest.mark.parametrize(
    "content",
    [b"[]", b"null", b"7", b"{", b"\xff", b"[" * 1_000 + b"]" * 1_000, b'{"a":' * 1_000 + b"1" + b"}" * 1_000],
)
def test_a_part_that_is_no_object_of_few_levels_is_refused(content: bytes) -> None:
    header, claims, signature = sign("puppet-token", CLAIMS, KEY).split(".")
    part = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
    for token in (f"{part}.{claims}.{signature}", f"{header}.{part}.{signature}"):
        with pytest.raises(ValueError, match=r"."):
            Signed.read(token)


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()
