"""Large answers over real sockets: whole for those who read, and little and not for long for those who do not."""

import asyncio
import socket
from contextlib import asynccontextmanager

import msgspec
import pytest
from litestar import Litestar, get

from genet.web.app import create_app
from genet.web.controllers import cluster as controller
from genet.web.patience import LargeAnswer
from tests.gpus.builders import GPU
from tests.replicas import settings, until
from tests.served import PATH, asked, listening

PIECE = 128 * 1024
PIECES = 400


class Handed:
    """An application, and what it hands over to the server."""

    def __init__(self, app):
        self.sizes = []
        self.ended = 0
        self._app = app

    async def __call__(self, scope, receive, send):
        async def counted(message):
            await send(message)
            if message["type"] == "http.response.body":
                self.sizes.append(len(message["body"]))

        await self._app(scope, receive, counted)
        if scope["type"] == "http":
            self.ended += 1


@asynccontextmanager
async def deaf(port):
    """A client that asks and does not read."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield client


def large(**limits):
    body = bytes(PIECE * PIECES)

    @get("/")
    async def answer() -> LargeAnswer:
        return LargeAnswer((b"begin", body, b"end"), headers={"ETag": '"x"'}, media_type="text/plain", **limits)

    return Handed(Litestar([answer], openapi_config=None))


@pytest.mark.parametrize("limits", [{"write_seconds": 0.3}, {"whole_seconds": 0.3}])
async def test_whoever_does_not_read_is_handed_little_and_let_go(limits):
    app = large(**limits)
    async with listening(app) as port, deaf(port) as client:
        await until(lambda: app.ended == 1)
        assert 0 < len(app.sizes) < PIECES / 4
        read = 0
        async with asyncio.timeout(10):
            while data := await asyncio.get_running_loop().sock_recv(client, 2**20):
                read += len(data)
        assert read < PIECE * PIECES / 4


async def test_whoever_reads_gets_all_of_it(caplog):
    app = large()
    async with listening(app) as port, asked(port, "/", limit=2 * PIECE * PIECES) as answer:
        length = int(answer.headers["content-length"])
        assert answer.headers["etag"] == '"x"'
        await answer.chunk()
        assert length == len(answer.raw) == PIECE * PIECES + 8
        assert (answer.raw[:5], answer.raw[-3:]) == (b"begin", b"end")
        await until(lambda: app.ended == 1)
    assert "stopped reading" not in caplog.text


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_large_overview_goes_out_in_pieces_and_is_the_same(replica, cluster, kubeconfig, coding, monkeypatch):
    capacity = {"cpu": "8", GPU: "500"}
    for number in range(4):
        status = {"capacity": capacity, "allocatable": capacity, "conditions": [{"type": "Ready", "status": "True"}]}
        cluster.store.create("nodes", {"metadata": {"name": f"n{number}"}, "status": status})
    await until(lambda: replica.services.nodes.get("n3"))
    app = Handed(create_app(settings(kubeconfig), replica.services))
    if coding == "gzip":
        monkeypatch.setattr(controller, "_LARGE_BYTES", 1024)
    async with listening(app) as port, asked(port, PATH, {"Accept-Encoding": coding}) as answer:
        tag = answer.headers["etag"]
        await answer.chunk()
        assert msgspec.json.decode(answer.raw)["summary"]["totalDevices"] == 2000
        assert len(app.sizes) > 2
        assert max(app.sizes) <= PIECE
        async with asked(port, PATH, {"Accept-Encoding": coding, "If-None-Match": tag}) as again:
            assert (again.status, again.headers["etag"]) == (304, tag)
    await until(lambda: app.ended == 2)


async def test_a_small_overview_is_handed_over_at_once(replica, kubeconfig):
    app = Handed(create_app(settings(kubeconfig), replica.services))
    async with listening(app) as port, asked(port, PATH) as answer:
        await answer.chunk()
        assert len(app.sizes) == 1
