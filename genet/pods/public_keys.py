"""Reads one public SSH key as people paste it: `type base64 comment`. Pure.

What comes out is made of what was parsed, never of the text: no option (`command=…`), no second line gets through.

Traps:
- A private key that was pasted has been on its way through a browser, a proxy and this server: say so, and never repeat
  it, neither in an answer nor in the log.
- A certificate would let in whoever its authority signs for.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from genet.pods.sshd import fingerprint

LEAST_RSA_BITS: Final = 3072
LONGEST: Final = 16 * 1024
"""Of what is looked at at all (characters)."""
TYPES: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_PRIVATE: Final = ("PRIVATE KEY-----", "PuTTY-User-Key-File", "openssh-key-v1")
_EXPECTED = "expected one line `type base64 comment`, as in the .pub file"


@dataclass(frozen=True)
class PublicKey:
    type: str
    blob: str
    """base64, without line breaks."""
    fingerprint: str
    comment: str
    """What stood behind it; anybody's text."""


class BadKey(ValueError):
    """What is wrong with it, for the person who pasted it."""


def parse(text: str) -> PublicKey:
    """Raises BadKey."""
    if any(mark.lower() in text.lower() for mark in _PRIVATE) or _is_private_blob(text):
        raise BadKey(
            "THIS IS A PRIVATE KEY. It has left your computer: treat it as exposed, make a new pair, and remove this "
            "one wherever it is in use. Here belongs the public one, from the .pub file"
        )
    line = text.strip(" \t\r\n")
    if not line:
        raise BadKey(_EXPECTED)
    if len(line) > LONGEST:
        raise BadKey(f"longer than {LONGEST} characters")
    if "ssh2 public key" in line.lower():
        raise BadKey(f"this is the form of RFC 4716; {_EXPECTED} (`ssh-keygen -i -f FILE` prints it)")
    if len(line.splitlines()) > 1 or "\0" in line:
        raise BadKey("several lines; one key at a time")
    kind, _, rest = line.partition(" ")
    blob_text, _, comment = rest.strip().partition(" ")
    _check_type(kind, line)
    return PublicKey(kind, *_checked(kind, blob_text), comment.strip())


def _is_private_blob(text: str) -> bool:
    """Whether it is the inside of an OpenSSH private key, without its frame."""
    return "b3BlbnNzaC1rZXktdjE" in text  # base64 of openssh-key-v1


def _check_type(kind: str, line: str) -> None:
    if kind in TYPES:
        return
    if "-cert-v" in kind:
        raise BadKey("certificates are not taken, only plain public keys")
    if kind == "ssh-dss":
        raise BadKey("DSA keys are not taken: they are too weak; make one with `ssh-keygen -t ed25519`")
    if any(f"{known} " in line for known in TYPES):
        raise BadKey("options before the type are not taken: the line starts with the key's type")
    raise BadKey(f"{_EXPECTED}; the types taken are {', '.join(TYPES)}")


def _checked(kind: str, blob_text: str) -> tuple[str, str]:
    """The blob anew, and its fingerprint."""
    try:
        blob = base64.b64decode(blob_text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadKey("what follows the type is not base64: was it copied whole?") from error
    canonical = base64.b64encode(blob).decode()
    try:
        key = load_ssh_public_key(f"{kind} {canonical}".encode())
    except (ValueError, UnsupportedAlgorithm, IndexError, OverflowError) as error:
        raise BadKey(f"no {kind} key can be read from it: was it copied whole?") from error
    if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        raise BadKey(f"an RSA key of {key.key_size} bits; at least {LEAST_RSA_BITS} are needed, or use ed25519")
    return canonical, fingerprint(blob)
