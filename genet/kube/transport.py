"""One HTTP call to the API server: credentials, their renewal, time-outs, and errors in Genet's words.

- 401: the credentials are read again and the call is sent once more (many calls at once share one renewal). After a
  failed TLS handshake, our certificate or the server's being another now, they are read again for the next call.
- 429: the server did not do it; the call is sent again after `Retry-After`, twice at most.
- Anything else is the caller's to retry: a POST that timed out may have been done.

Trap: the client's own `timeout=None` means five minutes in all, which would cut every watch.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient, ApiException, Configuration
from kubernetes.aio.config import ConfigException

from genet import __version__
from genet.errors import Unavailable
from genet.kube.answers import error_of, read_status

CONNECT_SECONDS = 5.0
MAX_REFUSALS = 2
MAX_RETRY_AFTER = 5.0


class _Link:
    """A connection pool with the credentials it was opened with; closed when it is retired and its last call ends."""

    def __init__(self, configuration: Configuration) -> None:
        self.api = ApiClient(configuration)
        self.calls = 0
        self.accepted = True
        self.retired = False

    async def close_if_idle(self) -> None:
        if self.retired and not self.calls:
            await self.api.close()  # type: ignore[no-untyped-call] # the library's


@dataclass(frozen=True)
class _Call:
    method: str
    url: str
    content_type: str
    body: Any
    timeout: aiohttp.ClientTimeout


class Transport:
    """Sends calls; `load` reads address and credentials anew each time it is called."""

    def __init__(self, load: Callable[[], Awaitable[Configuration]]) -> None:
        self._load = load
        self._link: _Link | None = None
        self._renewing = asyncio.Lock()

    async def close(self) -> None:
        if self._link is not None:
            await self._link.api.close()  # type: ignore[no-untyped-call] # the library's

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int],
        idle_seconds: float,
        body: Any = None,
        content_type: str = "application/json",
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to one call: headers read, body not yet; silence of `idle_seconds` ends it at any point.

        Raises:
            GenetError: what the API server said, or Unavailable if it did not answer (also while the body is read).
        """
        url = path + ("?" + urlencode(query) if query else "")
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=idle_seconds)
        call = _Call(method, url, content_type, body, timeout)
        renewed = False
        refusals = 0
        while True:
            link = await self._current()
            async with _sent(call, link) as response:
                if response.ok:
                    yield response
                    return
                text = await response.read()
            error = error_of(read_status(text, response.status), response.headers.get("Retry-After"))
            if response.status == HTTPStatus.UNAUTHORIZED and not renewed:
                link.accepted, renewed = False, True
            elif response.status == HTTPStatus.TOO_MANY_REQUESTS and refusals < MAX_REFUSALS:
                refusals += 1
                asked = error.retry_after if isinstance(error, Unavailable) else None
                await asyncio.sleep(min(1.0 if asked is None else asked, MAX_RETRY_AFTER))
            else:
                raise error from ApiException(response.status, response.reason, body=text.decode(errors="replace"))

    async def _current(self) -> _Link:
        """The link to use; a new one if there is none, or the credentials of the present one were not accepted."""
        async with self._renewing:
            if self._link is None or not self._link.accepted:
                try:
                    link = _Link(await self._load())
                except OSError as error:  # among them ssl.SSLError: a certificate that is just being rotated
                    raise Unavailable(f"cannot use the credentials for Kubernetes: {error}") from error
                if self._link is not None:
                    self._link.retired = True
                    await self._link.close_if_idle()
                self._link = link
            return self._link


def _hang_up(response: aiohttp.ClientResponse) -> None:
    """Let go of an answer; one that was not read to its end is cut off.

    Merely closed, a TLS connection would wait for a goodbye that a server in the middle of a watch never says, and
    outlive whoever closes the client.
    """
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
    response.close()


@asynccontextmanager
async def _sent(call: _Call, link: _Link) -> AsyncIterator[aiohttp.ClientResponse]:
    link.calls += 1
    try:
        configuration = link.api.configuration
        token = await configuration.get_api_key_with_prefix("BearerToken")
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # inside a cluster the network is cheaper than gzip at both ends
            "Content-Type": call.content_type,
            "User-Agent": f"genet/{__version__}",
            **({"Authorization": token} if token else {}),
        }
        answer = await link.api.call_api(
            call.method, configuration.host + call.url, headers, call.body, _request_timeout=call.timeout
        )
        try:
            yield answer.response
        finally:
            _hang_up(answer.response)
    except (aiohttp.ClientError, OSError, ConfigException) as error:
        if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
            link.accepted = False
        raise Unavailable(f"the Kubernetes API does not answer: {str(error) or type(error).__name__}") from error
    finally:
        link.calls -= 1
        await link.close_if_idle()
