"""One HTTP call to the API server: credentials, their renewal, time-outs, and errors in Genet's words.

- 401: the credentials are read again and the call is sent once more (many calls at once share one renewal). After a
  failed TLS handshake, our certificate or the server's being another now, they are read again for the next call.
- 429: the server did not do it; the call is sent again after `Retry-After`, twice at most.
- Anything else is the caller's to retry: a POST that timed out may have been done.

Trap: the client's own `timeout=None` means five minutes in all, which would cut every watch.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
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
_MAX_REFUSAL_BYTES = 64 * 1024
_GOODBYE_SECONDS = 0.05
_CUT_SECONDS = 0.5


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

    @asynccontextmanager
    async def socket(
        self, path: str, *, query: Sequence[tuple[str, str]], protocols: Sequence[str]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket of its own, outside the pool: an open terminal must not take a place that a list needs.

        Nothing is sent twice but what was refused for its credentials.

        Raises:
            GenetError: what the API server said instead of opening it, or Unavailable.
        """
        url = path + "?" + urlencode(query)
        renewed = False
        while True:
            link = await self._current()
            try:
                async with _opened(url, link, protocols) as socket:
                    yield socket
                    return
            except _RefusedError as refused:
                if refused.status == HTTPStatus.UNAUTHORIZED and not renewed:
                    link.accepted, renewed = False, True
                    continue
                raise error_of(read_status(refused.body, refused.status), refused.retry_after) from refused

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
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # inside a cluster the network is cheaper than gzip at both ends
            "Content-Type": call.content_type,
            **await _credentials(configuration),
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


async def _credentials(configuration: Configuration) -> dict[str, str]:
    token = await configuration.get_api_key_with_prefix("BearerToken")
    return {"User-Agent": f"genet/{__version__}", **({"Authorization": token} if token else {})}


class _RefusedError(Exception):
    """The API server answered a WebSocket's request with something else; aiohttp's own error lacks the body."""

    def __init__(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        super().__init__(f"the Kubernetes API answered {response.status}")
        self.status = response.status
        self.retry_after = response.headers.get("Retry-After")
        self.body = body


async def _tell_why(_session: aiohttp.ClientSession, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
    if params.response.status != HTTPStatus.SWITCHING_PROTOCOLS:
        raise _RefusedError(params.response, await params.response.content.read(_MAX_REFUSAL_BYTES))


@asynccontextmanager
async def _opened(url: str, link: _Link, protocols: Sequence[str]) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """On a connection of its own, which is cut when this is left, whatever either side still has to say."""
    configuration = link.api.configuration
    tracing = aiohttp.TraceConfig()
    tracing.on_request_end.append(_tell_why)
    connector = aiohttp.TCPConnector(ssl=link.api.rest_client.ssl_context)
    proxies: dict[str, Any] = {"trust_env": True, **(configuration.client_session_kwargs or {})}
    try:
        async with aiohttp.ClientSession(
            connector=connector, connector_owner=False, trace_configs=[tracing], trust_env=proxies["trust_env"]
        ) as session:
            socket = await session.ws_connect(
                configuration.host + url,
                protocols=protocols,
                headers=await _credentials(configuration),
                timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_SECONDS),
                proxy=configuration.proxy,
                proxy_headers=configuration.proxy_headers,
            )
            try:
                yield socket
            finally:
                with suppress(TimeoutError):  # a server that does not read would never hear the goodbye
                    async with asyncio.timeout(_CUT_SECONDS):
                        await socket.close()
    except (aiohttp.ClientError, OSError, ConfigException) as error:
        if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
            link.accepted = False
        raise Unavailable(f"the Kubernetes API does not answer: {str(error) or type(error).__name__}") from error
    finally:
        await connector.close(abort_ssl=True)
