"""Terminals on the real kubelet: what a person sees of one, and that nothing is left of those that were closed."""

import asyncio
import hashlib
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.conftest import IMAGE, SETTINGS, missing
from tests.processes import configuration, serving, until
from tests.screens import screen

pytestmark = pytest.mark.e2e

WORKBENCH = "cluster.local/genet-workbench:1"


class Desk:
    """Somebody with a pod of an image."""

    def __init__(self, replica, kubectl, person, image=IMAGE):
        self.replica, self.url, self.kubectl, self.person = replica, replica.url, kubectl, person
        self.client = replica.client(person.name)
        made = self.client.post("/api/pods", json={"image": image, "name": "one", "cpu": "300m", "memory": "128Mi"})
        assert made.status_code == 201, made.text
        self.pod = made.json()["id"]
        until(lambda: self.client.get("/api/pods").json()["pods"][0]["status"] == "Running", seconds=60)

    def screen(self, *, user=None, **more):
        return screen(self.url, self.pod, user=user or self.person.name, **more)

    def runs(self, *names):
        """Command lines of the pod's processes with one of these in them."""
        listed = self.kubectl("exec", "-n", self.person.namespace, self.pod, "--", "ps", "-o", "args")
        return [line for line in listed.splitlines() if any(name in line for name in names) and "ps -o" not in line]

    def shells(self):
        return self.runs("sh -l", "-sh", "bash -l")

    def is_alone(self):
        """Waits until nothing is left of any terminal."""
        until(lambda: not self.shells() and not self.runs("sleep 1000"), seconds=60, what="all shells are gone")


@pytest.fixture(scope="module")
def desk(replica, kubectl, new_person):
    return Desk(replica, kubectl, new_person())


async def test_a_shell_answers_has_its_size_and_is_told_of_another(desk):
    async with desk.screen(cols=120, rows=40) as one:
        assert (await one.run("stty size")).split("\n")[0] == "40 120"
        await one.tell(type="resize", cols=77, rows=33)
        async with asyncio.timeout(10):
            while (await one.run("stty size")).split("\n")[0] != "33 77":
                pass
        assert await one.run("echo $TERM $LANG") == "xterm-256color C.UTF-8\n"
        await one.type("exit 3\n")
        assert await one.end() == 1000
        assert one.messages == [{"type": "exit", "code": 3}]
    desk.is_alone()


async def test_text_of_any_script_passes_also_where_a_character_comes_in_two_frames(desk):
    async with desk.screen() as one:
        text = "你好、世界 🚀🦡 ñ"
        await one.type("cat\n")
        until(lambda: "cat" in desk.runs("cat"), what="it reads")  # line editors throw away what they do not expect
        for byte in f"{text}\n".encode():
            await one.type(bytes([byte]))
        await one.until(text)
        await one.until(text)
        await one.type(b"\x03")
        until(lambda: "cat" not in desk.runs("cat"), what="it has been interrupted")
        assert await one.run(f"printf '{text}' | wc -c") == f"{len(text.encode())}\n"


async def test_a_large_paste_arrives_whole_and_in_order(desk):
    lines = b"".join(b"%07d %s\n" % (number, b"x" * 92) for number in range(10_400))
    assert len(lines) > 1024 * 1024
    async with desk.screen() as one:
        await one.run("stty -echo")
        await one.type("sha256sum\n")
        await one.type(lines)
        await one.type(b"\x04")
        await one.until(hashlib.sha256(lines).hexdigest(), seconds=60)


async def test_more_than_a_browser_takes_stays_in_the_pod(desk):
    before = memory(desk.replica.process.pid)
    async with desk.screen() as one:
        await one.type("yes a-long-line-of-text-that-nobody-reads\n")
        await one.until("nobody-reads")
        await asyncio.sleep(4)
        assert memory(desk.replica.process.pid) - before < 30 * 1024 * 1024
        await one.type(b"\x03")
        assert await one.run("echo heard", seconds=60) == "heard\n"


async def test_twenty_at_once_and_no_more(desk):
    async with asyncio.timeout(120):
        async with AsyncMany(desk, 20) as many:
            answers = await asyncio.gather(*(one.run(f"echo $(({number} * 1000))") for number, one in enumerate(many)))
            assert answers == [f"{number * 1000}\n" for number in range(20)]
            async with desk.screen() as surplus:
                assert await surplus.end() == 4429
                assert surplus.messages == [{"type": "error", "code": "rate_limited"}]
    desk.is_alone()


class AsyncMany:
    def __init__(self, desk, count):
        self.contexts = [desk.screen() for _ in range(count)]

    async def __aenter__(self):
        return await asyncio.gather(*(context.__aenter__() for context in self.contexts))

    async def __aexit__(self, *_):
        await asyncio.gather(*(context.__aexit__(None, None, None) for context in self.contexts))


@pytest.mark.parametrize("how", ["closed", "cut"])
async def test_closing_ends_the_shell_and_what_runs_in_it_but_not_what_is_to_outlive_it(desk, how):
    async with desk.screen() as one:
        await one.run("(sleep 1000 &)")
        await one.run("(trap '' HUP; sleep 4321 &)")
        await one.type("trap '' INT; sleep 1000\n")
        until(lambda: len(desk.runs("sleep 1000")) == 2, what="both run")
        if how == "cut":
            one.socket.get_extra_info("socket").shutdown(2)
    desk.is_alone()
    assert desk.runs("sleep 4321")


async def test_other_sites_other_hosts_and_other_people_get_none(desk):
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with desk.screen(origin=origin):
                pass
        assert refused.value.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with desk.screen(headers={"Host": "evil.example"}):
            pass
    assert refused.value.status == 403
    async with desk.screen(user="stranger") as one:
        assert (await one.end(), one.messages) == (4404, [])
    async with desk.screen(user="stranger", owner=desk.person.identifier) as one:
        assert (await one.end(), one.messages) == (4404, [])
    desk.is_alone()


async def test_messages_that_mean_nothing_close_it_with_a_code(desk):
    for text in ("", "{", "[]", '{"type": "resize", "cols": 0, "rows": 5}', '{"type": "run", "cols": 5, "rows": 5}'):
        async with desk.screen() as one:
            await one.socket.send_str(text)
            assert (await one.end(), one.messages) == (4400, [{"type": "error", "code": "invalid"}])
    async with desk.screen() as one:
        await one.type(b"x" * (2 * 1024 * 1024 + 1))
        assert await one.end() == 1009
    async with desk.screen(cols=0) as one:
        assert (await one.end(), one.messages) == (4422, [{"type": "error", "code": "invalid"}])
    desk.is_alone()


async def test_a_pod_that_is_deleted_ends_its_terminals_with_an_error(replica, kubectl, person):
    own = Desk(replica, kubectl, person)
    async with own.screen() as one:
        await one.run("true")
        own.client.delete(f"/api/pods/{own.pod}")
        assert await one.end(seconds=60) == 4409
        assert one.messages == [{"type": "error", "code": "not_running"}]


async def test_silence_ends_it_and_life_of_either_side_keeps_it(kubectl, new_person, tmp_path):
    config = configuration(tmp_path, kubectl.kubeconfig, **SETTINGS, terminal={"idleMinutes": 0.06})
    with serving(config) as replica:
        own = Desk(replica, kubectl, new_person())
        async with own.screen() as typing, own.screen() as printing, own.screen() as silent:
            await printing.type("while sleep 1; do echo tick; done\n")
            began = time.monotonic()
            ending = asyncio.create_task(silent.end())
            while not ending.done():
                await typing.type("x")
                await printing.until("tick")
            assert await ending == 4408
            assert 3 < time.monotonic() - began < 20
            assert typing.code is None
            assert printing.code is None
        own.is_alone()


async def test_a_server_that_is_about_to_end_sends_its_terminals_elsewhere(kubectl, new_person, tmp_path):
    with serving(configuration(tmp_path, kubectl.kubeconfig, **SETTINGS)) as replica:
        own = Desk(replica, kubectl, new_person())
        async with own.screen() as one:
            await one.type("sleep 1000\n")
            until(lambda: own.runs("sleep 1000"), what="it runs")
            replica.process.send_signal(signal.SIGTERM)
            assert await one.end() == 1001
        assert replica.process.wait(20) == 0
        assert not own.shells()
        assert not own.runs("sleep 1000")


async def test_a_revoked_token_closes_its_terminals_on_the_spot(desk):
    body = {"name": "t", "scopes": ["pods:write"], "expiresInDays": 1}
    made = desk.client.post("/api/tokens", json=body)
    assert made.status_code == 201, made.text
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    async with screen(desk.url, desk.pod, headers=headers, origin="https://elsewhere.example") as one:
        await one.type("sleep 1000\n")
        until(lambda: desk.runs("sleep 1000"), what="it runs")
        desk.client.post("/api/auth/logout", params={"everywhere": "true"}, headers={"Content-Length": "0"})
        assert await one.end() == 4401
    desk.is_alone()


async def test_bash_is_chosen_where_there_is_one(replica, kubectl, person):
    if "genet-workbench" not in kubectl("get", "nodes", "-o", "jsonpath={.items[*].status.images[*].names}"):
        missing("the workbench image is not on the node")
    own = Desk(replica, kubectl, person, WORKBENCH)
    async with own.screen() as one:
        assert await one.run("shopt -q login_shell && echo $BASH $PWD") == "/usr/bin/bash /\n"


def memory(pid):
    """Resident, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
