"""Terminals over real sockets on the embedded cluster: who gets one, what passes, and what is left of it."""

import asyncio
import hashlib

import aiohttp
import pytest

from genet.errors import Forbidden
from genet.pods.killing import Killing
from genet.pods.place import Place
from genet.pods.terminal import Pace
from genet.pods.terminals import Terminals
from tests.replicas import settings, until
from tests.screens import PROTOCOL, screen
from tests.web.desk import POD, desk_of


@pytest.fixture
async def desk(replica, cluster, kubeconfig):
    async with desk_of(replica, cluster, settings(kubeconfig)) as one:
        yield one


def paced(desk, **pace):
    """The same terminals with less patience."""
    kube = desk.services.create_pod._kube
    terminals = Terminals(kube, Killing(kube), per_user=2, pace=Pace(**{"idle": 60, **pace}))
    object.__setattr__(desk.services.shells, "terminals", terminals)


async def refused(desk, **more):
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        async with desk.screen(**more):
            pass
    return error.value.status


async def test_a_shell_has_the_screens_size_and_is_told_of_another(desk):
    async with desk.screen(cols=132, rows=43) as one:
        assert await one.run("stty size") == "43 132\n"
        await one.tell(type="resize", cols=100, rows=1000)
        assert await one.run("stty size") == "1000 100\n"
        await one.type("exit 7\n")
        assert await one.end() == 1000
        assert one.messages == [{"type": "exit", "code": 7}]
    await desk.is_alone()


async def test_it_is_a_login_shell_that_knows_its_terminal(desk):
    async with desk.screen() as one:
        assert await one.run("echo $TERM $LANG") == "xterm-256color C.UTF-8\n"
        assert desk.runs("sh -l")


async def test_bytes_pass_as_they_are_also_half_a_character(desk):
    async with desk.screen() as one:
        await one.type("cat\n")
        for byte in "你好 🚀\n".encode():
            await one.type(bytes([byte]))
        await one.type(b"\xff\xfe\n")
        await one.until("你好 🚀\r\n")
        await one.until("你好 🚀\r\n")
        await one.until(b"\xff\xfe\r\n")


async def test_a_large_paste_arrives_whole_and_in_order(desk):
    lines = b"".join(b"%07d %s\n" % (number, b"x" * 92) for number in range(10_400))
    async with desk.screen() as one:
        await one.run("stty -echo")
        await one.type("sha256sum\n")
        await one.type(lines)
        await one.type(b"\x04")
        await one.until(hashlib.sha256(lines).hexdigest())


@pytest.mark.parametrize("typed", ["sleep 71\n", "sleep 71 &\nsleep 72\n", "setsid sleep 71\n", ""])
async def test_closing_ends_the_shell_and_what_runs_in_it(desk, typed):
    async with desk.screen() as one:
        await one.until("# ")
        await one.type(typed)
        await until(lambda: not typed or desk.runs("sleep 7"))
    await until(lambda: not desk.runs("sh -l"))
    if "setsid" not in typed:
        await desk.is_alone()


async def test_what_is_to_outlive_its_terminal_does(desk):
    async with desk.screen() as one:
        await one.until("# ")
        await one.type("trap '' HUP\nsleep 71 &\n")
        await until(lambda: desk.runs("sleep 71"))
    await until(lambda: not desk.runs("sh -l"))
    assert desk.runs("sleep 71")


async def test_one_that_is_closed_at_once_leaves_nothing(desk):
    for _ in range(3):
        async with desk.screen():
            pass
    await desk.is_alone()


async def test_other_sites_and_other_hosts_are_refused_before_it_opens(desk):
    for origin in ("https://evil.example", "null", f"{desk.url}.evil.example"):
        assert await refused(desk, origin=origin) == 403
    assert await refused(desk, headers={"Sec-Fetch-Site": "cross-site"}) == 403
    assert await refused(desk, headers={"Host": "evil.example"}) == 403
    await desk.is_alone()


async def test_a_client_has_to_speak_the_protocol(desk):
    address = f"{desk.url}/api/pods/{POD}/terminal"
    async with aiohttp.ClientSession() as session:
        for protocols in ((), ("genet.terminal.v2", "chat")):
            with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                await session.ws_connect(address, params={"user": "alice"}, protocols=protocols, origin=desk.url)
            assert error.value.status == 403
        several = ("chat", PROTOCOL)
        async with session.ws_connect(address, params={"user": "alice"}, protocols=several, origin=desk.url) as socket:
            assert socket.protocol == PROTOCOL


@pytest.mark.parametrize(
    ("query", "code", "messages"),
    [
        ({"user": "mallory"}, 4404, []),
        ({"user": "mallory", "owner": "alice-alice"}, 4404, []),
        ({"user": "admin"}, 4404, []),
        ({"cols": 0}, 4422, [{"type": "error", "code": "invalid"}]),
        ({"rows": 1001}, 4422, [{"type": "error", "code": "invalid"}]),
        ({"cols": "many"}, 4422, [{"type": "error", "code": "invalid"}]),
        ({"container": "other"}, 4422, [{"type": "error", "code": "invalid"}]),
    ],
)
async def test_whoever_gets_none_is_told_why(desk, query, code, messages):
    async with desk.screen(**query) as one:
        assert (await one.end(), one.messages) == (code, messages)
    await desk.is_alone()


async def test_an_administrator_may_act_for_its_owner(desk):
    async with desk.screen("admin", owner="alice-alice") as one:
        assert await one.run("hostname") == f"{POD}\n"


async def test_a_token_needs_the_scope_and_no_origin_and_ends_with_its_terminals(desk):
    async def made(*scopes):
        body = {"name": "t", "scopes": scopes, "expiresInDays": 1}
        return (await desk.http.post("/api/tokens", params={"user": "alice"}, json=body)).json()

    def opened(token):
        return screen(desk.url, POD, headers={"Authorization": f"Bearer {token}"}, origin="https://cli.example")

    async with opened((await made("pods:read"))["token"]) as one:
        assert (await one.end(), one.messages) == (4403, [{"type": "error", "code": "forbidden"}])
    async with opened("genet-sk-wrong.wrong") as one:
        assert (await one.end(), one.messages) == (4401, [])
    token = await made("pods:write")
    async with opened(token["token"]) as one:
        await one.until("# ")
        await one.type("sleep 71\n")
        await until(lambda: desk.runs("sleep 71"))
        await desk.http.delete(f"/api/tokens/{token['id']}", params={"user": "alice"})
        assert await one.end() == 4401
    await desk.is_alone()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", '{"type": "resize", "cols": 0, "rows": 1}', '{"type": "resize", "cols": 9}',
     '{"type": "kill", "cols": 1, "rows": 1}'],
)  # fmt: skip
async def test_messages_that_mean_nothing_end_it(desk, text):
    async with desk.screen() as one:
        await one.socket.send_str(text)
        assert (await one.end(), one.messages) == (4400, [{"type": "error", "code": "invalid"}])
    await desk.is_alone()


async def test_messages_have_a_bound(desk):
    async with desk.screen() as one:
        await one.type(b"x" * (2 * 1024 * 1024 + 1))
        assert await one.end() == 1009
    async with desk.screen() as one:
        await one.socket.send_str('{"type": "resize", "cols": 1, "rows": 1}' + " " * 2000)
        assert await one.end() == 1009


async def test_one_person_has_so_many_at_once(desk):
    paced(desk)
    async with desk.screen() as first, desk.screen() as second:
        await first.until("# ")
        await second.until("# ")
        async with desk.screen() as third:
            assert (await third.end(), third.messages) == (4429, [{"type": "error", "code": "rate_limited"}])
        async with desk.screen("admin", owner="alice-alice") as other:
            await other.until("# ")
    await until(lambda: not desk.services.shells.terminals._open)
    async with desk.screen() as again:
        await again.until("# ")


class Slow(Killing):
    """In a container that takes its time to say what runs in it."""

    def __init__(self, kube):
        super().__init__(kube)
        self.goes_on = asyncio.Event()

    async def terminal(self, where, cookie, began):
        await self.goes_on.wait()
        return await super().terminal(where, cookie, began)


async def test_those_that_are_still_being_ended_are_bounded_too(desk):
    slow = Slow(desk.services.create_pod._kube)
    terminals = Terminals(desk.services.create_pod._kube, slow, per_user=2, pace=Pace(idle=60))
    object.__setattr__(desk.services.shells, "terminals", terminals)
    for _ in range(8):
        async with desk.screen() as one:
            await one.until("# ")
        await until(lambda: not terminals._open)
    async with desk.screen() as more:
        assert (await more.end(), more.messages) == (4429, [{"type": "error", "code": "rate_limited"}])
    slow.goes_on.set()
    await desk.is_alone()
    await until(lambda: not terminals._ending)
    async with desk.screen() as again:
        await again.until("# ")


async def test_a_container_that_only_delays_is_left_alone_after_a_while(desk):
    async with desk.screen() as one:
        await one.until("# ")
    await desk.is_alone()
    killing = Killing(desk.services.create_pod._kube, most_seconds=0.0)
    assert await killing.family(Place("user-alice-alice", POD, "main"), "c0" * 16, None)


async def test_silence_ends_it(desk):
    paced(desk, idle=0.2)
    async with desk.screen() as one:
        assert (await one.end(), one.messages) == (4408, [])
    await desk.is_alone()


async def test_what_is_typed_or_printed_is_no_silence(desk):
    paced(desk, idle=1.0)
    async with desk.screen() as typing, desk.screen() as printing:
        await printing.until("# ")
        await printing.type("while true; do sleep 0.2; echo tick; done\n")
        for _ in range(8):
            await printing.until("tick\r\n")
            await typing.type(b"x")
        assert (typing.code, printing.code) == (None, None)
        assert await typing.end() == 4408


async def test_something_is_sent_now_and_then_for_the_proxies_on_the_way(desk):
    paced(desk, heartbeat=0.05)
    async with desk.screen() as one:
        while one.beats < 3:
            assert await one.read()


async def test_whoever_may_not_go_on_does_not(desk):
    paced(desk, heartbeat=0.05)
    people = desk.services.identity.people
    async with desk.screen() as one:
        await one.until("# ")
        check = people.check

        def forbid(user):
            raise Forbidden("disabled")

        people.check = forbid
        try:
            assert (await one.end(), one.messages) == (4403, [{"type": "error", "code": "forbidden"}])
        finally:
            people.check = check
    await desk.is_alone()


async def test_a_server_that_drains_sends_them_elsewhere(desk):
    async with desk.screen() as one:
        await one.until("# ")
        desk.services.drain()
        assert (await one.end(), one.messages) == (1001, [])
    await desk.services.shells.close()
    assert not desk.runs("sh -l")


async def test_a_pod_that_goes_ends_them_with_an_error(desk):
    async with desk.screen() as one:
        await one.until("# ")
        await desk.http.delete(f"/api/pods/{POD}", params={"user": "alice"}, headers={"Content-Length": "0"})
        assert (await one.end(), one.messages) == (4409, [{"type": "error", "code": "not_running"}])


async def test_an_image_without_a_shell_has_none(replica, cluster, kubeconfig):
    bare = {"image": "cluster.local/distroless:1", "command": ["sleep", "3600"]}
    async with desk_of(replica, cluster, settings(kubeconfig), **bare) as desk, desk.screen() as one:
        assert (await one.end(), one.messages) == (4422, [{"type": "error", "code": "exec_failed"}])


async def test_where_terminals_are_switched_off_there_are_none(replica, cluster, kubeconfig):
    async with desk_of(replica, cluster, settings(kubeconfig)) as desk:
        changed = settings(kubeconfig, terminal={"enabled": False})
        object.__setattr__(desk.services, "settings", changed)
        assert not (await desk.http.get("/api/config")).json()["features"]["terminal"]
        async with desk.screen() as one:
            assert (await one.end(), one.messages) == (4404, [])
