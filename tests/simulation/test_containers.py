import asyncio
from collections.abc import AsyncIterator

import pytest

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
    assert await empty.exec(pod, "nosuch") == (127, "", "sh: 1: nosuch: not found\n")
    assert await empty.exec(pod, "sh", "-c", "echo e >&2") == (0, "", "e\n")


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
