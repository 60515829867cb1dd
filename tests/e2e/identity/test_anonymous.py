"""Who is not logged in makes Genet write nothing: ten thousand begun logins are ten thousand answers and no object."""

import asyncio
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.conftest import Kubectl
from tests.e2e.identity.installation import Installation, Server
from tests.e2e.identity.oauth import Program
from tests.processes import environment

pytestmark = pytest.mark.e2e

HITS: Final = 10_000
CONNECTIONS: Final = 50
WATCHED: Final = ("secrets", "configmaps", "leases")


@contextmanager
def watching(kubectl: Kubectl, kind: str, namespace: str, directory: Path) -> Iterator[Path]:
    """A file to which each change of such an object is written, from now on."""
    file = directory / f"{kind}.jsonl"
    command = [kubectl.binary, "get", kind, "-n", namespace, "--watch-only", "--output-watch-events", "-o", "json"]
    with file.open("w") as output:
        process = subprocess.Popen(
            command, env=environment(KUBECONFIG=kubectl.kubeconfig), stdout=output, stderr=subprocess.DEVNULL
        )
        try:
            yield file
        finally:
            process.terminate()
            process.wait()


def added(file: Path) -> list[dict[str, Any]]:
    """What was made; the collector may delete meanwhile, and renews its Lease."""
    decoder, text, found = json.JSONDecoder(), file.read_text().lstrip(), []
    while text:
        event, end = decoder.raw_decode(text)
        text = text[end:].lstrip()
        found.append(event)
    return [event["object"]["metadata"] for event in found if event["type"] == "ADDED"]


async def hit(server: Server, installation: Installation, path: str, count: int, statuses: Counter[int]) -> None:
    """One connection that is kept; nothing of the answers is."""
    reader, writer = await asyncio.open_connection("localhost", server.port, ssl=installation.tls)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{server.port}\r\nSec-Fetch-Site: cross-site\r\n\r\n".encode()
    for _ in range(count):
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        statuses[int(head[0].split()[1])] += 1
        length = next((line.partition(": ")[2] for line in head if line.startswith("content-length")), "0")
        await reader.readexactly(int(length))
    writer.close()


async def test_ten_thousand_strangers_at_authorize_make_no_object(
    installation: Installation, kubectl: Kubectl, tmp_path: Path
) -> None:
    async with installation.client() as http:
        url, _ = await Program(installation, http).request()
    path = url.removeprefix(installation.issuer)
    statuses = Counter[int]()
    with ExitStack() as stack:
        files = [
            stack.enter_context(watching(kubectl, kind, installation.grants_namespace, tmp_path)) for kind in WATCHED
        ]
        control = "genet-e2e-control"
        await asyncio.sleep(1)  # until kubectl watches; the control below fails the test if it did not
        began = time.monotonic()
        async with asyncio.timeout(120):
            await asyncio.gather(
                *(
                    hit(installation.servers[n % 2], installation, path, HITS // CONNECTIONS, statuses)
                    for n in range(CONNECTIONS)
                )
            )
        took = time.monotonic() - began
        kubectl("create", "secret", "generic", control, "-n", installation.grants_namespace)
        kubectl("create", "configmap", control, "-n", installation.grants_namespace)
        kubectl("delete", "configmap", control, "-n", installation.grants_namespace)
        kubectl("delete", "secret", control, "-n", installation.grants_namespace)
        await asyncio.sleep(0.5)
    print(f"\n{HITS} begun logins in {took:.1f} s: {dict(statuses)}")
    assert set(statuses) <= {303, 429}
    assert statuses[303] > 0
    assert [[made["name"] for made in added(file)] for file in files] == [[control], [control], []]
