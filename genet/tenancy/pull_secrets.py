"""Registry credentials in people's namespaces, by which the kubelets pull their pods' images. Pure.

People have no verb on Secrets, so they cannot read them with kubectl; whoever may run a pod can still make a node pull
whatever they open. So they should open reading alone.

Trap: the digest that says what a namespace holds stands in an annotation, which more people may read. It is made over a
mark in the credentials' stead, one that cannot be tried out quickly against a list of passwords.
"""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from genet import naming
from genet.settings import PullSecret

KEY: Final = ".dockerconfigjson"
_HUBS: Final = frozenset({"docker.io", "index.docker.io"})
_HUB: Final = "https://index.docker.io/v1/"
"""What Docker Hub is called in such files."""


def manifest(secret: PullSecret) -> dict[str, Any]:
    registry = _HUB if secret.registry.lower() in _HUBS else secret.registry
    together = base64.b64encode(f"{secret.username}:{secret.password}".encode()).decode()
    entry = {"username": secret.username, "password": secret.password, "auth": together}
    document = msgspec.json.encode({"auths": {registry: entry}})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": naming.pull_secret(secret.name), "labels": {naming.MANAGED: "true"}},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {KEY: base64.b64encode(document).decode()},
    }


def mark(secrets: Sequence[PullSecret]) -> str:
    """Another one for other credentials; takes some 50 ms, so it is made once."""
    if not secrets:
        return ""
    text = msgspec.json.encode(list(secrets), order="sorted")
    return hashlib.scrypt(text, salt=b"genet pull secrets", n=2**14, r=8, p=1, dklen=16).hex()
