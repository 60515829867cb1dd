import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from genet.client.calls import Calls
from genet.client.credential import Renewal, current
from genet.client.login import Way, log_in
from genet.client.provider import discover
from genet.client.store import Login, Store
from genet.web.app import create_app
from tests.certificates import Authority
from tests.client.issuer import Issuer, issuing
from tests.replicas import Replica, cluster, kubeconfig, replica  # noqa: F401 # fixtures
from tests.served import listening


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as one:
        yield one


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority")).create()


@dataclass
class Browser:
    """Goes where it is sent, as a person's browser would; what it was answered is for the test to read."""

    before: Callable[[str], None] = lambda _url: None
    """Called with the address before it goes there."""
    answers: list[tuple[int, str]] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def open(self, url: str) -> bool:
        thread = threading.Thread(target=self._go, args=(url,))
        self._threads.append(thread)
        thread.start()
        return True

    def get(self, url: str) -> tuple[int, str]:
        try:
            with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def close(self) -> None:
        for thread in self._threads:
            thread.join()

    def _go(self, url: str) -> None:
        self.before(url)
        self.answers.append(self.get(url))


@pytest.fixture
def browser() -> Iterator[Browser]:
    one = Browser()
    yield one
    one.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache" / "genet")


@dataclass
class Person:
    """Logs in at an issuer; what goes wrong is raised."""

    issuer: Issuer
    browser: Browser
    store: Store
    cache: Path
    """XDG_CACHE_HOME of the store."""
    now: Callable[[], float] = time.time

    def logs_in(self, *, ca_data: str | None = None, limit_seconds: float = 20) -> Login:
        way = Way(open_url=self.browser.open, limit_seconds=limit_seconds)
        with Calls(ca_data) as calls:
            provider = discover(self.issuer.url, calls, "kube")
            login = log_in(provider, "kube", ca_data, way, clock=self.now)
        with self.store.locked(login.issuer, "kube"):
            self.store.keep(login)
        return login

    def asks(self, *, for_server: bool = False, way: Callable[[], Way] | None = None) -> Login:
        """What kubectl's call would get."""
        return current(self.issuer.url, "kube", Renewal(self.store, None, way, clock=self.now), for_server=for_server)


@pytest.fixture
def person(issuer, browser, store, tmp_path) -> Person:
    return Person(issuer, browser, store, tmp_path / "cache")


@pytest.fixture
async def url(replica: Replica) -> AsyncIterator[str]:  # noqa: F811 # the fixture
    services = replica.services
    async with listening(create_app(services.settings, services)) as port:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            services.drain()
