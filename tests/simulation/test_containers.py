import asyncio
from collections.abc import AsyncIterator

import pytest

from genet.simulation.shell import CannotStart
from genet.simulation.tty import Screen
from tests.simulation.world import World, settle


@pytest.mark.parametrize(
    ("script", "code", "out"),
    [
        ("echo a; echo b", 0, "a\nb\n"),
        ("true && echo yes || echo no", 0, "yes\n"),
        ("false && echo yes || echo no", 0, "no\n"),
        ("exit 7", 7, ""),
        ("false; echo $?", 0, "1\n"),
        ("""echo $X "$X" '$X' ${X}c""", 0, "a  b a  b $X a  bc\n"),
        ("echo a; echo b # not this", 0, "a\nb\n"),
        ("if [ -e /none ]; then echo a; fi; if [ 1 = 2 ]; then echo b; else echo c; fi", 0, "c\n"),
        ("while false; do echo never; done; echo end", 0, "end\n"),
        ("hostname; cat /etc/hostname", 0, "web\nweb\n"),
        ("nosuch 2>/dev/null; echo $?", 0, "127\n"),
        ("echo both; nosuch 2>&1", 127, "both\nsh: 1: nosuch: not found\n"),
        ("sleep 5 >/dev/null & echo at once", 0, "at once\n"),
        ("echo unended 'quote", 2, ""),
        ("if true", 2, ""),
        ("&& echo", 2, ""),
        ("echo a | cat", 2, ""),
    ],
)
async def test_the_shell_does_as_a_shell_does(empty: World, script: str, code: int, out: str):
    pod = empty.pod("web", env=[{"name": "X", "value": "a  b"}])
    await empty.time.advance(5)
    assert (await empty.exec(pod, "sh", "-c", script))[:2] == (code, out)


async def test_errors_go_to_standard_error(empty: World):
    pod = empty.pod("web")
    assert await empty.exec(pod, "sh", "-c", "nosuch") == (127, "", "sh: 1: nosuch: not found\n")
    assert await empty.exec(pod, "sh", "-c", "echo e >&2") == (0, "", "e\n")


async def test_what_is_not_there_cannot_be_started(empty: World):
    with pytest.raises(CannotStart):
        await empty.exec(empty.pod("web"), "nosuch")
    bare = empty.pod("bare", image="cluster.local/distroless:1")
    with pytest.raises(CannotStart):
        await empty.exec(bare, "sh", "-c", "true")
    assert await empty.exec(bare, "true") == (0, "", "")


async def test_what_a_command_began_outlives_it_and_is_found_and_killed(empty: World):
    pod = empty.pod("web")
    await empty.time.advance(5)
    assert (await empty.exec(pod, "sh", "-c", "setsid sleep 99 & sleep 98 & echo $$", "name"))[0] == 0
    await settle()
    lines = (await empty.exec(pod, "sh", "-c", "cat /proc/[0-9]*/stat"))[1].splitlines()
    sleeping = {line.split()[0]: line.split()[3:6] for line in lines if "(sleep)" in line}
    assert len(sleeping) == 2
    assert all(parent != "0" for parent, _, _ in sleeping.values())
    assert sum(session == pid for pid, (_, _, session) in sleeping.items()) == 1, "one has a session of its own"
    assert (await empty.exec(pod, "sh", "-c", 'kill -s KILL "$@"', "sh", *sleeping))[0] == 0
    await settle()
    assert "(sleep)" not in (await empty.exec(pod, "sh", "-c", "cat /proc/[0-9]*/stat"))[1]


async def test_a_hang_up_ends_what_does_not_ignore_it(empty: World):
    pod = empty.pod("web")
    await empty.time.advance(5)
    await empty.exec(pod, "sh", "-c", "sleep 98 & trap '' HUP; sleep 99 & true")
    await settle()
    lines = (await empty.exec(pod, "sh", "-c", "cat /proc/[0-9]*/stat"))[1].splitlines()
    sleeping = [line.split()[0] for line in lines if "(sleep)" in line]
    await empty.exec(pod, "sh", "-c", 'kill -s HUP "$@"', "sh", *sleeping)
    await settle()
    left = [line for line in (await empty.exec(pod, "ps"))[1].splitlines() if line.startswith("sleep")]
    assert left == ["sleep 99"]


async def test_variables_arguments_and_the_environment_are_a_shells(empty: World):
    pod = empty.pod("web")
    script = 'export COOKIE="$0"; read -r STAT </proc/$$/stat; echo "$1,$2"; exec "$@"'
    code, out, _ = await empty.exec(
        pod, "sh", "-c", script, "c00kie", "sh", "-c", "grep -l c00kie /proc/[0-9]*/environ"
    )
    assert (code, out.splitlines()[0]) == (0, "sh,-c")
    assert len(out.splitlines()) == 2
    assert await empty.exec(pod, "sh", "-c", 'exec "$@"', "c00kie", "none") == (
        127, "", "c00kie: 1: exec: none: not found\n",
    )  # fmt: skip


async def test_a_terminal_echoes_has_a_size_and_interrupts(empty: World):
    pod = empty.pod("web")
    await empty.time.advance(5)
    typed: asyncio.Queue[bytes] = asyncio.Queue()
    shown = bytearray()

    async def keys() -> AsyncIterator[bytes]:
        while data := await typed.get():
            yield data

    async def show(data: bytes) -> None:
        shown.extend(data)

    screen = Screen(80, 24)
    running = asyncio.ensure_future(empty.cluster.containers.exec(pod, "main", ["sh"], keys(), screen, show, show))
    screen.cols, screen.rows = 132, 43
    for data in (b"stty size\n", b"sleep 1000\n"):
        typed.put_nowait(data)
    await settle()
    assert b"stty size\r\n" in shown
    assert b"# 43 132\r\n# " in shown
    typed.put_nowait(b"\x03")
    await settle()
    typed.put_nowait(b"exit 4\n")
    assert await running == 4


async def test_a_shell_without_a_script_reads_it(empty: World):
    async def typed() -> AsyncIterator[bytes]:
        for chunk in (b"echo o", b"ne\nexit 4\n", b"echo never\n"):
            yield chunk

    pod = empty.pod("web")
    assert await empty.exec(pod, "sh", stdin=typed()) == (4, "one\n", "")
    assert await empty.exec(pod, "cat", stdin=typed()) == (0, "echo one\nexit 4\necho never\n", "")


async def test_a_container_sees_its_gpus_and_only_those(small: World):
    pod = small.pod("gpu", limits={"nvidia.com/gpu": "2"})
    plain = small.pod("plain")
    await small.time.advance(5)
    lines = (await small.exec(small.get("gpu"), "nvidia-smi", "-L"))[1].splitlines()
    assert [line.split(":")[0] for line in lines] == ["GPU 0", "GPU 1"]
    assert all(
        f"(UUID: {device.id})" in line
        for line, device in zip(lines, small.cluster.devices.of(pod, "main"), strict=True)
    )
    assert (await small.exec(plain, "nvidia-smi", "-L"))[0] == 127


async def test_following_a_log_ends_with_the_container(empty: World):
    pod = empty.pod("count", "echo 1; sleep 10; echo 2", restartPolicy="Never")
    await empty.time.advance(5)
    following = empty.cluster.containers.follow(pod, "main")
    assert (await anext(following))[1] == "1"
    lines: list[str] = []

    async def read() -> None:
        lines.extend([text async for _, text in following])

    reading = asyncio.ensure_future(read())
    await settle()
    await empty.time.advance(20)
    await reading
    assert lines == ["2"]


async def test_a_training_that_nobody_watched_has_a_log(small: World):
    pod = small.get("pod-carol-carol-reward", namespace="user-carol-carol")
    lines = small.cluster.containers.logs(pod, "main", previous=False)
    assert len(lines) == 500
    await small.time.advance(60)
    again = small.cluster.containers.logs(pod, "main", previous=False)
    assert again[: len(lines)] == lines
    assert len(again) == len(lines) + 3


async def test_the_main_process_that_genet_gives_pods_by_default_says_it_is_ready_and_stays(empty: World):
    script = (
        "if [ -x /usr/sbin/sshd ]; then mkdir -p /run/sshd && /usr/sbin/sshd; fi; "
        "echo 'genet: ready'; trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"
    )
    empty.pod("mine", script)
    await empty.time.advance(10_000)
    assert empty.logs("mine") == ["genet: ready"]
    assert empty.get("mine")["status"]["containerStatuses"][0]["restartCount"] == 0
