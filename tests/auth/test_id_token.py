"""ID tokens that must not be believed, each wrong in one way."""

import base64
import hashlib
import hmac
import json
import math

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from genet.auth.id_token import BadTokenError, verified
from tests.auth.company import CLIENT, EC, NOW, OTHER_RSA, RSA, public_jwk, rsa_key

ISSUER = "https://login.example.org"
AT = int(NOW.timestamp())
GOOD = {"iss": ISSUER, "sub": "s", "aud": CLIENT, "exp": AT + 600, "iat": AT, "nonce": "n"}
PUBLISHED = [public_jwk(RSA, "one"), public_jwk(EC, "two"), public_jwk(rsa_key(1024), "short")]


def signed(claims=(), header=(), key=RSA, algorithm="RS256"):
    said = {name: value for name, value in (GOOD | dict(claims)).items() if value is not None}
    headers = {"kid": "one", **dict(header)}
    return jwt.encode(said, key, algorithm, headers={name: value for name, value in headers.items() if value})


async def believed(token, nonce="n", published=PUBLISHED):
    async def keys(kid):
        return published

    return await verified(token, issuer=ISSUER, client_id=CLIENT, nonce=nonce, keys=keys, now=NOW)


@pytest.mark.parametrize(
    "token",
    [
        signed(),
        signed({"aud": [CLIENT]}),
        signed({"aud": [CLIENT, "other"], "azp": CLIENT}),
        signed({"exp": AT - 59, "iat": AT - 660}),
        signed({"iat": AT + 59}),
        signed({"nbf": AT + 59}),
        signed(algorithm="RS512"),
        signed(algorithm="PS256"),
        signed(key=EC, header={"kid": "two"}, algorithm="ES256"),
        signed(header={"kid": None}),
    ],
)
async def test_genuine_ones_are_believed(token):
    assert (await believed(token))["sub"] == "s"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": None}, "iss"),
        ({"iss": "https://login.example.org/"}, "iss"),
        ({"iss": "https://login.example.or"}, "iss"),
        ({"iss": "https://login.example.org.evil.example"}, "iss"),
        ({"iss": "https://LOGIN.example.org"}, "iss"),
        ({"aud": None}, "aud"),
        ({"aud": "other"}, "aud"),
        ({"aud": "genet2"}, "aud"),
        ({"aud": ["other"]}, "aud"),
        ({"aud": [CLIENT, "other"]}, "azp"),
        ({"aud": [CLIENT, "other"], "azp": "other"}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "m"}, "nonce"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": 5}, "nonce"),
        ({"exp": None}, "exp"),
        ({"exp": AT - 60}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 2**60}, "exp"),
        ({"exp": str(AT + 600)}, "exp"),
        ({"iat": None}, "iat"),
        ({"iat": AT + 61}, "iat"),
        ({"nbf": AT + 61}, "nbf"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
    ],
)
async def test_claims_that_are_wrong(claims, why):
    with pytest.raises(BadTokenError, match=why):
        await believed(signed(claims))


def tampered(token, header):
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode() + "." + token.split(".", 1)[1]


def with_public_key_as_secret():
    """HS256 over the public key, which everybody has: PyJWT would not even sign it."""
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    parts = [json.dumps({"alg": "HS256", "kid": "one"}), json.dumps(GOOD)]
    text = ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)
    mac = hmac.new(pem, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def unsigned(algorithm):
    parts = [json.dumps({"alg": algorithm, "kid": "one"}), json.dumps(GOOD)]
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."


OWN_KEY = public_jwk(OTHER_RSA, "one")


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (unsigned("none"), "algorithm"),
        (unsigned("None"), "algorithm"),
        (unsigned("RS256"), "signature"),
        (with_public_key_as_secret(), "algorithm"),
        (signed(key="x" * 64, algorithm="HS512"), "algorithm"),
        (signed(key=OTHER_RSA), "signature"),
        (signed(key=OTHER_RSA, header={"jwk": OWN_KEY}), "brings a key"),
        (signed(key=OTHER_RSA, header={"jku": "https://evil.example/keys"}), "brings a key"),
        (signed(key=OTHER_RSA, header={"x5u": "https://evil.example/cert"}), "brings a key"),
        (signed(header={"crit": ["exp"]}), "no signed token"),
        (signed(header={"kid": "unknown"}), "does not publish"),
        (signed(key=EC, header={"kid": "one"}, algorithm="ES256"), "does not publish"),
        (signed(header={"kid": "two"}), "does not publish"),
        (signed(key=OTHER_RSA, header={"kid": None}), "signature"),
        (tampered(signed(), {"alg": "RS256", "kid": "one", "x": 1}), "signature"),
        ("", "no signed token"),
        ("a.b.c", "no signed token"),
        (None, "missing"),
        (["a"], "missing"),
        ("e" * 70_000, "too long"),
    ],
)
async def test_tokens_that_are_not_signed_by_the_provider(token, why):
    with pytest.raises(BadTokenError, match=why):
        await believed(token)


@pytest.mark.parametrize("change", [{"use": "enc"}, {"alg": "RS512"}, {"kty": "oct"}])
async def test_keys_for_something_else_do_not_count(change):
    with pytest.raises(BadTokenError, match="does not publish"):
        await believed(signed(), published=[PUBLISHED[0] | change])


@pytest.mark.filterwarnings("ignore:The RSA key is")
async def test_a_short_key_does_not_count():
    short = rsa_key(1024)
    with pytest.raises(BadTokenError, match="signature"):
        await believed(signed(key=short), published=[public_jwk(short, "one")])


async def test_what_a_refresh_brings_has_no_nonce():
    assert await believed(signed({"nonce": None}), nonce=None)


async def test_why_it_is_not_believed_quotes_nothing_of_it():
    with pytest.raises(BadTokenError) as caught:
        await believed(signed({"iss": "https://secret-issuer.example"}))
    assert "secret-issuer" not in str(caught.value)


def slow_key():
    """RSA with an exponent of 2047 bits: a signature takes as long to check as to make."""
    own = RSA.private_numbers()
    order, exponent = (own.p - 1) * (own.q - 1), (1 << 2046) + 1
    while math.gcd(exponent, order) != 1:
        exponent += 2
    d = pow(exponent, -1, order)
    iqmp = rsa.rsa_crt_iqmp(own.p, own.q)
    public = rsa.RSAPublicNumbers(exponent, own.public_numbers.n)
    return rsa.RSAPrivateNumbers(
        own.p, own.q, d, rsa.rsa_crt_dmp1(d, own.p), rsa.rsa_crt_dmq1(d, own.q), iqmp, public
    ).private_key()


async def test_keys_that_are_made_to_be_slow_are_left_out():
    slow = slow_key()
    with pytest.raises(BadTokenError, match="signature"):
        await believed(signed(key=slow), published=[public_jwk(slow, "one")])


async def test_no_more_than_a_few_keys_are_tried_on_one_token():
    others = [{**public_jwk(OTHER_RSA, "one")} for _ in range(31)]
    assert await believed(signed(), published=[*others, public_jwk(RSA, "one")])
    with pytest.raises(BadTokenError, match="signature"):
        await believed(signed(), published=[*others, others[0], public_jwk(RSA, "one")])
