"""A registry that pods and nodes reach, with accounts: Debian's docker-registry on the node's own address."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.processes import free_port, program, until

ACCOUNT: Final = ("genet", "not a secret of anybody")
# what `htpasswd -B` makes of it
_ACCOUNTS: Final = "genet:$2y$05$abcdefghijklmnopqrstuupf9zqNoWQ20eFRooPof1dBzqlGhv7WC\n"
_KINDS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


class Registry:
    def __init__(self, address: str, client: httpx.Client) -> None:
        self.address = address
        self._client = client

    def manifest(self, repository: str, tag: str) -> dict[str, Any] | None:
        """None: there is no such image."""
        headers = {"Accept": ", ".join(_KINDS)}
        answer = self._client.get(f"/v2/{repository}/manifests/{tag}", headers=headers)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def blob(self, repository: str, digest: str) -> bytes:
        return self._client.get(f"/v2/{repository}/blobs/{digest}").raise_for_status().content


def credentials(address: str, name: str, password: str) -> str:
    """What stands in a Secret of type kubernetes.io/dockerconfigjson."""
    return json.dumps({"auths": {address: {"auth": b64encode(f"{name}:{password}".encode()).decode()}}})


@contextmanager
def registry(binary: str, host: str, directory: Path) -> Iterator[Registry]:
    """Answers at that address of this machine, until the block ends; who has no account is refused."""
    accounts = directory / "accounts"
    accounts.write_text(_ACCOUNTS)
    address = f"{host}:{free_port()}"
    config = directory / "registry.yml"
    document = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(directory / "images")}},
        "http": {"addr": address},
        "auth": {"htpasswd": {"realm": "e2e", "path": str(accounts)}},
    }
    config.write_text(yaml.safe_dump(document))
    log = directory / "registry.log"
    with (
        program([binary, "serve", str(config)], log=log) as process,
        httpx.Client(base_url=f"http://{address}", auth=ACCOUNT, trust_env=False) as client,
    ):

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return client.get("/v2/").status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        until(answers, what="the registry answers")
        yield Registry(address, client)
