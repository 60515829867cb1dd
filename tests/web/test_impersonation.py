"""Genet asks the API server in its own name, whatever a request says: one that passed `Impersonate-*` on is anybody."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import yaml

from tests.listening import listening
from tests.replicas import replica_of, settings

TOLD = {
    "Impersonate-User": "system:admin",
    "Impersonate-Group": "system:masters",
    "Impersonate-Uid": "0",
    "Impersonate-Extra-Scopes": "all",
    "X-Remote-User": "system:admin",
    "X-Remote-Group": "system:masters",
}


@pytest.fixture
async def overheard(cluster):
    """What is sent to the embedded cluster, and the address at which it is listened to."""
    heard = bytearray()
    target = urlsplit(cluster.url)

    async def pass_on(reader, writer, note):
        with suppress(OSError):
            while data := await reader.read(65536):
                note(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def relay(reader, writer):
        there = await asyncio.open_connection(target.hostname, target.port)
        try:
            await asyncio.gather(pass_on(reader, there[1], heard.extend), pass_on(there[0], writer, lambda _: None))
        finally:
            there[1].close()

    async with listening(relay) as address:
        yield heard, f"http://{address}"


async def test_no_request_to_the_api_server_is_in_somebody_elses_name(overheard, kubeconfig):
    heard, url = overheard
    document = yaml.safe_load(kubeconfig.read_text())
    document["clusters"][0]["cluster"]["server"] = url
    kubeconfig.write_text(yaml.safe_dump(document))
    async with replica_of(settings(kubeconfig)) as replica:
        await replica.synced()
        replica.http.headers.update(TOLD)
        assert (await replica.create(name="a")).status_code == 201
        assert (await replica.ask("GET", "/api/pods/pod-alice-alice-a/logs")).status_code == 200
        wanted = {"name": "ci", "scopes": ["pods:read"], "expiresInDays": 1}
        assert (await replica.ask("POST", "/api/tokens", json=wanted)).status_code == 201
        assert (await replica.ask("DELETE", "/api/pods/pod-alice-alice-a")).is_success
    sent = bytes(heard).lower()
    for request in (b"post /api/v1/namespaces/user-alice-alice/pods", b"post /api/v1/namespaces/genet-grants/secrets"):
        assert request in sent
    for name in TOLD:
        assert name.lower().encode() not in sent
