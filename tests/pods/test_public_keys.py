"""Public keys as people paste them: what is taken, and what is refused with which words."""

import base64
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from genet.pods.public_keys import TYPES, BadKey, parse

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def line(key):
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def packed(*parts):
    return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


def security_key():
    kind = b"sk-ssh-ed25519@openssh.com"
    return f"{kind.decode()} {packed(kind, bytes(range(32)), b'ssh:')}"


@pytest.mark.parametrize(
    "text",
    [
        line(ed25519.Ed25519PrivateKey.generate()),
        *(line(ec.generate_private_key(curve)) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())),
        line(rsa.generate_private_key(65537, 3072)),
        security_key(),
    ],
    ids=lambda text: text.split()[0],
)
def test_the_usual_types_are_taken(text):
    key = parse(f"  {text} ann@laptop\r\n")
    assert f"{key.type} {key.blob}" == text
    assert key.comment == "ann@laptop"


def test_the_fingerprint_is_that_of_ssh_keygen(tmp_path):
    file = tmp_path / "key.pub"
    file.write_text(f"{ED25519} a\n")
    said = subprocess.run(["ssh-keygen", "-lf", str(file)], capture_output=True, text=True, check=True).stdout
    assert said.split()[1] == parse(ED25519).fingerprint


def test_a_comment_may_hold_anything_but_lines():
    assert parse(f'{ED25519} my private key, "quoted" command="x"').comment == 'my private key, "quoted" command="x"'
    assert parse(ED25519).comment == ""


def private_keys():
    key = ed25519.Ed25519PrivateKey.generate()
    for form in (PrivateFormat.OpenSSH, PrivateFormat.PKCS8):
        yield key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    framed = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    yield "".join(framed.splitlines()[1:-1])
    yield "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none"


@pytest.mark.parametrize("text", list(private_keys()), ids=["openssh", "pkcs8", "without frame", "putty"])
def test_a_private_key_is_called_exposed_and_not_repeated(text):
    with pytest.raises(BadKey) as caught:
        parse(text)
    said = str(caught.value)
    assert "PRIVATE KEY" in said
    assert "exposed" in said
    assert not any(word in said for word in text.split() if len(word) > 12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f'command="rm -rf /" {ED25519}', "options"),
        (f'from="10.0.0.1",no-pty {ED25519}', "options"),
        (f"restrict {ED25519}", "options"),
        (f"{ED25519} a\n{ED25519} b", "several lines"),
        (f"{ED25519} a\r{ED25519} b", "several lines"),
        (f"{ED25519} a\u2028{ED25519} b", "several lines"),
        (f"{ED25519} a\0", "several lines"),
        (ED25519[:-8], "copied whole"),
        (ED25519.replace("AAAAC3", "AAAAC4"), "copied whole"),
        (ED25519.replace("ssh-ed25519", "ssh-rsa"), "copied whole"),
        ("ssh-ed25519", "copied whole"),
        ("ssh-ed25519 @@@", "base64"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACBAP", "DSA"),
        ("ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQ", "certificates"),
        ("hello", "types taken are"),
        ("  \n ", "expected one line"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "RFC 4716"),
        (f"{ED25519} {'a' * 20_000}", "longer than"),
        (line(rsa.generate_private_key(65537, 2048)), "2048 bits; at least 3072"),
    ],
)
def test_what_is_no_key_to_let_anybody_in_is_refused(text, words):
    with pytest.raises(BadKey, match=words):
        parse(text)


@given(st.text(max_size=300), st.sampled_from(["", *TYPES]), st.sampled_from(["", ED25519.split()[1]]))
def test_whatever_is_pasted_what_comes_out_is_one_plain_key(text, kind, blob):
    for pasted in (text, f"{kind} {text}", f"{text} {kind} {blob}", f"{kind} {blob} {text}", f"{kind} {blob}{text}"):
        try:
            key = parse(pasted)
        except BadKey:
            continue
        assert key.type in TYPES
        assert base64.b64encode(base64.b64decode(key.blob, validate=True)).decode() == key.blob
