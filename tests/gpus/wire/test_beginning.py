"""Many streams that are opened in the same instant."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from genet.gpus.overview import Form
from tests.gpus.wire.listening import Told
from tests.gpus.wire.test_fleet import small_fleet

_CLIENTS = 60
_AT_ONCE = 4


async def test_snapshots_begin_a_few_in_each_turn_of_the_loop():
    told = Told(small_fleet())
    turn, begun = 0, Counter[int]()

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        asyncio.get_running_loop().call_soon(next_turn)

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(told.client(Form.OBJECT)) for _ in range(_CLIENTS)]
        next_turn()

        async def begin(client) -> None:
            await client.snapshot()
            begun[turn] += 1

        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(begin(client))
    assert sum(begun.values()) == _CLIENTS
    assert max(begun.values()) <= _AT_ONCE
