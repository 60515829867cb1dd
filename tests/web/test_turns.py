"""However many requests arrive at one instant, few of them begin in the same turn of the loop, and all do."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from genet.web.turns import Turns
from tests.replicas import until
from tests.served import asked, listening

MANY = 200


class Begun:
    """An application that notes in which turn of the loop each request begins, and answers it."""

    def __init__(self):
        self.turn = 0
        self.paths = []
        self.turns = []

    @asynccontextmanager
    async def counting(self):
        async def count():
            while True:
                await asyncio.sleep(0)
                self.turn += 1

        task = asyncio.create_task(count())
        await asyncio.sleep(0)
        yield
        task.cancel()

    def most(self):
        return max(map(self.turns.count, self.turns))

    async def __call__(self, scope, receive, send):
        self.paths.append(scope["path"])
        self.turns.append(self.turn)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok", "more_body": False})


async def nothing_comes():
    return {"type": "http.disconnect"}


async def to_nobody(message):
    pass


async def ask(app, path):
    await app({"type": "http", "path": path}, nothing_comes, to_nobody)


def arrive(app, path):
    return asyncio.create_task(ask(app, path))


async def test_few_begin_in_a_turn_and_who_came_first_begins_first():
    begun = Begun()
    app = Turns(begun, at_once=4)
    paths = [str(number) for number in range(18)]
    async with begun.counting():
        await asyncio.gather(*(arrive(app, path) for path in paths))
    assert begun.paths == paths
    assert sorted(map(begun.turns.count, set(begun.turns))) == [2, 4, 4, 4, 4]


async def test_who_comes_later_does_not_overtake_those_who_wait():
    begun = Begun()
    app = Turns(begun, at_once=2)
    first = [arrive(app, f"first {number}") for number in range(6)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(begun.paths) < len(first)
    later = [arrive(app, f"later {number}") for number in range(4)]
    await asyncio.gather(*first, *later)
    assert begun.paths == [f"first {number}" for number in range(6)] + [f"later {number}" for number in range(4)]


@pytest.mark.parametrize("probe", ["/healthz", "/readyz"])
async def test_a_probe_waits_behind_nobody_and_takes_nobodys_turn(probe):
    begun = Begun()
    app = Turns(begun, at_once=2)
    paths = [f"page {number}" for number in range(8)]
    async with begun.counting():
        tasks = [arrive(app, path) for path in [*paths, probe]]
        await asyncio.gather(*tasks)
    assert begun.paths == [*paths[:2], probe, *paths[2:]]
    assert begun.turns[0] == begun.turns[2]


async def test_where_few_come_nobody_waits():
    begun = Begun()
    app = Turns(begun, at_once=2)
    async with begun.counting():
        for number in range(6):
            before = begun.turn
            await ask(app, str(number))
            assert begun.turn == before
            if number % 2:
                await asyncio.sleep(0)
    assert len(set(begun.turns)) == 3


async def test_who_has_gone_while_waiting_takes_no_turn():
    begun = Begun()
    app = Turns(begun, at_once=2)
    async with begun.counting():
        tasks = [arrive(app, str(number)) for number in range(8)]
        await asyncio.sleep(0)
        for task in tasks[2:5]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert begun.paths == ["0", "1", "5", "6", "7"]
    assert begun.turns[2] == begun.turns[3]


async def test_a_failure_takes_no_turn_for_ever():
    begun = Begun()

    async def failing(scope, receive, send):
        if scope["path"] == "broken":
            raise ValueError(scope["path"])
        await begun(scope, receive, send)

    app = Turns(failing, at_once=2)
    await asyncio.gather(*(arrive(app, "broken") for _ in range(5)), return_exceptions=True)
    async with asyncio.timeout(5):
        await arrive(app, "whole")
    assert begun.paths == ["whole"]


async def test_two_hundred_who_arrive_at_one_instant_do_not_begin_in_one_turn():
    begun = Begun()
    async with listening(begun) as port, begun.counting():
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(MANY)]
        try:
            for client in clients:  # the loop does not turn meanwhile
                client.sendall(b"GET /burst HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await until(lambda: len(begun.paths) >= MANY)
        finally:
            for client in clients:
                client.close()
        assert begun.most() <= 16  # who was told to begin, and as many who came just then
        async with asked(port, "/after") as answer:
            assert answer.status == 200
