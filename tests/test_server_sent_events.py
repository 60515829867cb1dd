"""What streams of events have in common."""

import asyncio

from genet.server_sent_events import AUTH, Client, event


class Listening(Client):
    """Tells what its end looks like."""

    @property
    def said(self) -> tuple[bool, bool]:
        return self._is_over, self._has_expired

    async def wait(self, seconds: float) -> None:
        await self._wait_until(asyncio.get_running_loop().time() + seconds)


def test_an_event_is_one_line_of_data_whatever_is_in_it():
    assert event("log", {"line": "a\nb"}, "3.4") == b'event: log\nid: 3.4\ndata: {"line":"a\\nb"}\n\n'
    assert event("gap", {}) == b"event: gap\ndata: {}\n\n"
    assert AUTH == b"event: auth\ndata: {}\n\n"


async def test_a_stream_that_ends_where_it_is_says_nothing_of_the_session():
    client = Listening("anna")
    client.end()
    assert client.said == (True, False)


async def test_a_session_that_ends_ends_the_stream_and_wakes_it():
    client = Listening("anna")
    waiting = asyncio.create_task(client.wait(60))
    await asyncio.sleep(0)
    client.expire()
    await asyncio.wait_for(waiting, 5)
    assert client.said == (True, True)


async def test_who_is_not_woken_goes_on_when_it_is_time():
    await asyncio.wait_for(Listening(None).wait(0), 5)
