"""The reader as a process, and children that behave as badly as one might."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from genet.errors import Unavailable
from genet.gpus.telemetry.child import COMMAND, Reader
from genet.gpus.telemetry.frames import Ask, Orders, pack
from tests.gpus.builders import series
from tests.gpus.telemetry.prometheus import prometheus

UTIL = "DCGM_FI_DEV_GPU_UTIL"


@asynccontextmanager
async def reader(url="http://127.0.0.1:9", **options):
    child = Reader(Orders(url, 5), **options)
    try:
        yield child
    finally:
        await child.close()


async def hosts(child, *, everything=False):
    told = []
    summary = await child.ask(everything=everything, take=lambda portion: told.extend(portion.hosts))
    assert summary.error is None
    return sorted(host.host.clues[0] for host in told)


def acts(code):
    """A child that runs this instead."""
    return {"command": (sys.executable, "-c", code)}


def of_process(pid, file):
    return Path(f"/proc/{pid}/{file}").read_bytes()


def is_running(pid):
    try:
        return of_process(pid, "stat").rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


@contextmanager
def parent(frames):
    """A process that starts the reader, tells it this, and prints its process ID."""
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdin.write(sys.stdin.buffer.read()); child.stdin.flush()\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(frames)
        process.stdin.close()
        yield process, int(process.stdout.readline())


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # what another process does is no event of this one
            await asyncio.sleep(0.01)


async def test_the_child_asks_and_tells_only_what_is_new():
    async with prometheus() as (answers, url), reader(url) as child:
        assert child.pid is None
        answers.samples = [series(UTIL, 50, host=name) for name in ("n1", "n2")]
        assert await hosts(child) == ["n1", "n2"]
        answers.samples[0] = series(UTIL, 51)
        assert await hosts(child) == ["n1"]
        assert await hosts(child, everything=True) == ["n1", "n2"]


async def test_the_child_makes_way_for_the_server():
    async with prometheus() as (_, url), reader(url) as child:
        await hosts(child)
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)


async def test_the_password_of_prometheus_is_no_argument_of_the_child():
    async with prometheus() as (_, url):
        secret = url.replace("//", "//genet:hunter2@")
        async with reader(secret) as child:
            await hosts(child)
            assert b"hunter2" not in of_process(child.pid, "cmdline") + of_process(child.pid, "environ")


async def test_the_child_looks_back_by_itself():
    async with prometheus() as (answers, url), reader(url) as child:
        answers.samples = [series(UTIL, 0)]
        await hosts(child)
        await until(lambda: any("max_over_time" in query for query in answers.asked))


async def test_closing_ends_the_child_and_can_be_done_twice():
    async with prometheus() as (_, url), reader(url) as child:
        await hosts(child)
        pid = child.pid
        await child.close()
        await child.close()
        assert not is_running(pid)


async def test_a_killed_child_is_told_and_another_one_tells_everything():
    async with prometheus() as (answers, url), reader(url) as child:
        answers.samples = [series(UTIL, 50)]
        await hosts(child)
        first = child.pid
        os.kill(first, signal.SIGKILL)
        with pytest.raises(Unavailable, match="ended unexpectedly"):
            await hosts(child)
        with pytest.raises(Unavailable, match="about to be started again"):
            await hosts(child)
        child._not_before = 0.0  # the pause is over
        assert await hosts(child) == ["n1"]
        assert child.pid not in (None, first)


async def test_a_child_that_cannot_live_is_started_ever_more_rarely():
    async with reader(**acts("")) as child:
        pauses = []
        for _ in range(8):
            child._not_before = 0.0
            with pytest.raises(Unavailable, match="ended unexpectedly"):
                await hosts(child)
            pauses.append(round(child._not_before - asyncio.get_running_loop().time()))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    "garbage",
    [
        r"b'\xff\xff\xff\xff'",  # a frame of four gigabytes
        r"b'\x00\x00\x00\x03abc'",  # no msgpack
        r"b'\x00\x00\x00\x01\x01'",  # msgpack, but no frame
    ],
)
async def test_garbage_from_the_child_ends_it(garbage):
    code = f"import sys; sys.stdout.buffer.write({garbage}); sys.stdout.flush(); sys.stdin.read()"
    async with reader(**acts(code)) as child:
        with pytest.raises(Unavailable, match="does not work"):
            await hosts(child)
        assert child.pid is None


async def test_a_command_that_is_missing_is_told():
    async with reader(command=("/nonexistent/python",)) as child:
        with pytest.raises(Unavailable, match="does not work"):
            await hosts(child)


async def test_a_child_that_hangs_is_killed():
    async with reader(round_seconds=0.2, **acts("import time; time.sleep(600)")) as child:
        with pytest.raises(Unavailable, match=r"did not answer within 0\.2 s"):
            await hosts(child)
        assert child.pid is None


async def test_a_child_that_grows_too_large_is_killed():
    code = "import sys, time; ballast = bytearray(b'x' * (80 << 20)); time.sleep(600)"
    async with reader(max_bytes=40 << 20, **acts(code)) as child:
        with pytest.raises(Unavailable, match="grew beyond 40 MiB"):
            await hosts(child)
        assert child.pid is None


async def test_a_round_that_nobody_waits_for_any_more_ends_the_child():
    async with prometheus() as (answers, url), reader(url) as child:
        await hosts(child)
        pid = child.pid
        answers.unanswered = ""
        asking = asyncio.create_task(hosts(child))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert child.pid is None
        assert not is_running(pid)


@pytest.mark.parametrize("is_busy", [False, True])
async def test_the_child_does_not_outlive_a_parent_that_was_killed(is_busy):
    async with prometheus() as (answers, url):
        answers.unanswered = "" if is_busy else None
        with parent(pack(Orders(url, 5)) + (pack(Ask(everything=True)) if is_busy else b"")) as (process, pid):
            await until(lambda: answers.asked or not is_busy)
            assert is_running(pid)
            process.kill()
        await until(lambda: not is_running(pid))


async def test_the_child_needs_no_place_to_write(tmp_path):
    tmp_path.chmod(0o500)
    run = "runpy.run_module('genet.gpus.telemetry.reader', run_name='__main__')"
    code = f"import os, runpy; os.chdir({str(tmp_path)!r}); {run}"
    async with prometheus() as (answers, url), reader(url, **acts(code)) as child:
        answers.samples = [series(UTIL, 50)]
        assert await hosts(child) == ["n1"]
