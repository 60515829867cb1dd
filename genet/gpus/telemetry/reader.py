"""The child process: asks Prometheus when it is told to, and answers with what is new.

    python -m genet.gpus.telemetry.reader

It speaks `frames` over its standard input and output, keeps nothing on disk, and ends with its parent, however that
ends, because its standard input closes then. It makes way for the server (`nice`).
"""

import asyncio
import gc
import os
import sys
import time
from typing import Final

import msgspec

from genet.errors import Unavailable
from genet.gpus.telemetry.frames import Ask, Orders, pack, unpack
from genet.gpus.telemetry.idle import Idle
from genet.gpus.telemetry.rounds import Rounds, look_back
from genet.prometheus import Prometheus

_NICE: Final = 10
_LOOK_BACK_SECONDS: Final = 30.0
"""What the one question about the past may take; it reads a day's samples."""
_LOOK_BACK_AGAIN_SECONDS: Final = 300.0
"""Doubled by each failure: where the past is too much for Prometheus it will be so next time."""


async def _serve() -> None:
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    orders = await unpack(commands, msgspec.msgpack.Decoder(Orders))
    rounds = Rounds(Prometheus(orders.url), idle := Idle(orders.idle_percent), time.time)
    questions = asyncio.Queue[Ask]()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_read(commands, questions))
            group.create_task(_answer(questions, rounds))
            group.create_task(_look_back(orders.url, idle, rounds))
    except* (EOFError, BrokenPipeError):
        # The parent has gone. Nothing is to be tidied up, and a thread that hangs in the resolver cannot be waited for.
        os._exit(0)


async def _read(commands: asyncio.StreamReader, questions: asyncio.Queue[Ask]) -> None:
    decoder = msgspec.msgpack.Decoder(Ask)
    while True:
        questions.put_nowait(await unpack(commands, decoder))


async def _answer(questions: asyncio.Queue[Ask], rounds: Rounds) -> None:
    while True:
        ask = await questions.get()
        async for frame in rounds.ask(everything=ask.everything):
            # Blocking is right: there is nothing else to do, and a parent that has gone breaks the pipe.
            sys.stdout.buffer.write(pack(frame))
            sys.stdout.buffer.flush()
        gc.collect()


async def _look_back(url: str, idle: Idle, rounds: Rounds) -> None:
    """Once, when it is known which exporters there are; again later while it fails."""
    prometheus = Prometheus(url, timeout_seconds=_LOOK_BACK_SECONDS)
    pause = _LOOK_BACK_AGAIN_SECONDS
    await rounds.first.wait()
    while True:
        try:
            await look_back(prometheus, idle, rounds.seen, time.time())
        except Unavailable:
            await asyncio.sleep(pause)
            pause *= 2
        else:
            return


def main() -> None:
    os.nice(_NICE)
    gc.disable()  # a round makes a million objects and no cycles; what exceptions leave is collected after it
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
