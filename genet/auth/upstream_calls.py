"""One call to the company's provider, bounded in time and size, whatever the other side does.

Authlib speaks the protocol, requests the HTTP; both block, so a call runs in a thread. Traps:

- The time-out of requests counts each read from the socket. A server that drips holds a thread for hours, so the
  sockets of a call whose time is over are shut down under it (see `genet.prometheus.transport`).
- The resolver cannot be cut short by anybody: there are few threads, and who finds none waits no longer than others.
- REQUESTS_CA_BUNDLE in the environment outdoes a session's own authorities; those of one request outdo both.
- requests takes passwords from ~/.netrc, and follows redirects with whatever it sends. Here it does neither.
- Authlib puts names and secrets into Basic as they are; RFC 6749 section 2.3.1 wants them form-encoded first.
- Errors quote addresses and answers, and those hold codes and tokens: none of their words are passed on.
"""

import asyncio
import base64
import contextlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar
from urllib.parse import quote_plus

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from genet.errors import Unavailable
from genet.prometheus.transport import Line, watched
from genet.settings import OAuth

TIMEOUT_SECONDS: Final = 10.0
"""Of one call, from its beginning to the last byte of its answer."""
MAX_ANSWER_BYTES: Final = 1024 * 1024
_AT_ONCE: Final = 8
_CHUNK_BYTES: Final = 1 << 16
_REDIRECTS: Final = range(300, 400)

Result = TypeVar("Result")


class Refused(Exception):
    """The provider understood and said no; `error` is the protocol's word for it, such as `invalid_grant`."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Calls:
    """Calls with the client's own name and secret.

    Args:
        settings: of the provider.
        timeout_seconds: for one call.
    """

    def __init__(self, settings: OAuth, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._settings = settings
        self._timeout = timeout_seconds
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="login")

    async def make(self, work: Callable[[OAuth2Session], Result]) -> Result:
        """What `work` makes of it, in a thread.

        Raises:
            Refused: the provider said no.
            Unavailable: no answer in time, or none that can be used.
        """
        line = Line()
        call = asyncio.get_running_loop().run_in_executor(self._threads, self._run, work, line)
        call.add_done_callback(_retrieve)
        try:
            await asyncio.wait({call}, timeout=self._timeout)
            if not call.done():
                call.cancel()
                raise Unavailable(f"the login provider did not answer within {self._timeout:g} s")
            return call.result()
        finally:
            line.cut()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _run(self, work: Callable[[OAuth2Session], Result], line: Line) -> Result:
        with self._session(line) as session:
            try:
                return work(session)
            except AuthlibBaseError as error:
                raise Refused(str(error.error or "unknown")) from None
            except requests.exceptions.SSLError:
                raise Unavailable("the login provider's certificate is not trusted: see oauth.caFile") from None
            except (requests.exceptions.RequestException, OSError):
                raise Unavailable("the login provider cannot be reached") from None
            except (ValueError, KeyError, TypeError, RecursionError):
                raise Unavailable("the login provider answered with what cannot be read") from None

    def _session(self, line: Line) -> OAuth2Session:
        own = self._settings
        session = OAuth2Session(own.client_id, own.client_secret, default_timeout=self._timeout)
        session.mount("https://", _Adapter(line, own.ca_file))
        session.mount("http://", _Adapter(line, own.ca_file))
        session.auth = _unchanged
        session.max_redirects = 0
        return session


def basic(client_id: str, secret: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """HTTP Basic as RFC 6749 section 2.3.1 means it, for `auth=` of requests."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"

    def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return request

    return signed


class _Answer(requests.Response):
    """An answer whose body is in memory."""

    def __init__(self, head: requests.Response, body: bytes) -> None:
        super().__init__()
        vars(self).update(vars(head))
        self.raw = io.BytesIO()
        self._content = body
        self._content_consumed = True


class _Adapter(HTTPAdapter):
    """Asks once, follows nowhere, reads no more than allowed, and trusts whom the settings say."""

    def __init__(self, line: Line, ca_file: str | None) -> None:
        super().__init__(max_retries=0)
        self._line = line
        self._trust = {"verify": ca_file} if ca_file is not None else {}

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = watched(pool.ConnectionCls, self._line)
        return pool

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(*args, **{**kwargs, **self._trust, "stream": True})
        with contextlib.closing(response.raw) as raw:
            if response.status_code in _REDIRECTS:
                raise Unavailable("the login provider sent a program elsewhere, where Genet does not follow")
            body = bytearray()
            try:
                for chunk in raw.stream(_CHUNK_BYTES, decode_content=True):
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise Unavailable(f"the login provider answered with more than {MAX_ANSWER_BYTES} bytes")
            except (HTTPError, OSError):
                raise Unavailable("the login provider broke off its answer") from None
            return _Answer(response, bytes(body))


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _retrieve(call: asyncio.Future[Any]) -> None:
    """What nobody waits for any more is not an error to log."""
    if not call.cancelled():
        call.exception()
