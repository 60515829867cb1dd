"""Runs one replica until it is told to end: SIGTERM drains first, ctrl-C ends at once; both exit 0.

Granian is embedded, so there is one process and one event loop: a replica killed is a replica gone.
"""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from granian.constants import Interfaces, SSLProtocols
from granian.server.embed import Server
from prometheus_client import REGISTRY, start_http_server
from prometheus_client.registry import Collector

from genet.auth.clock import utc_now
from genet.kube.client import KubeClient
from genet.oidc.clients import Clients
from genet.oidc.discovery import issuer_of
from genet.settings import TLS, Settings
from genet.settings.sources import ConfigurationError
from genet.settings.urls import is_loopback
from genet.tenancy import admission
from genet.web.app import create_app
from genet.web.boundary import ASGIApp
from genet.web.services import Services, running
from genet.web.telemetry import LoopLag
from genet.web.turns import Turns

log = logging.getLogger(__name__)

_CONNECTIONS: Final = 4096
_WAITING_CONNECTIONS: Final = 1024


class UnsafeAddressError(Exception):
    """Dev mode was asked to listen where others can reach it."""


async def serve(settings: Settings, host: str, port: int, *, clock: Callable[[], datetime] = utc_now) -> None:
    """Serve on `host`:`port` until SIGTERM or SIGINT.

    Raises:
        UnsafeAddressError: dev mode on another address than loopback, without auth.dev.allowRemote.
        ConfigurationError: the OpenID Provider cannot be what the settings ask for, or nothing watches over what people
            may create with `kubeconfig.allowCreate`.
        OSError: a port cannot be listened on, or the files of `server.tls` or `oauth.caFile` do not do.
    """
    check_address(settings, host)
    check_provider(settings)
    if settings.auth.mode == "oauth" and settings.oauth.ca_file is not None:
        check_authorities("oauth.caFile", settings.oauth.ca_file)
    if settings.server.tls is not None:
        check_tls(settings.server.tls)
    await check_admission(settings)
    for wanted in (port, settings.server.metrics_port):
        if wanted is not None:
            check_port(host, wanted)
    signals = _signals()
    with _metrics(settings.server.metrics_port, host):
        async with running(settings, clock) as services, _exported(services.gauges, services.collecting):
            app = create_app(settings, services)
            server = server_of(app, host, port, settings.server.tls)
            beside = _end_on(signals, services, server), _settle(services), LoopLag(REGISTRY).sample()
            tasks = [asyncio.create_task(task) for task in beside]
            log.info("listening", extra={"host": host, "port": port, "mode": settings.auth.mode})
            try:
                await server.serve()
            finally:
                for task in tasks:
                    task.cancel()
    log.info("ended")


async def check_admission(settings: Settings) -> None:
    """Raises ConfigurationError where people may create objects and no admission policy watches over it."""
    if settings.kubeconfig.allow_create:
        async with KubeClient.connect(settings.kubernetes) as kube:
            why = await admission.complaint(kube, settings)
        if why is not None:
            raise ConfigurationError(f"kubeconfig.allowCreate: {why}")


def server_of(app: ASGIApp, host: str, port: int, tls: TLS | None = None) -> Server:
    """Granian around the application.

    Trap: it accepts no more connections at once than its `backpressure`, 128 if it is not told otherwise, and a stream
    keeps its connection: one more listener, and nobody would be answered any more.
    """
    return Server(
        Turns(app),
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        log_enabled=False,
        backlog=_WAITING_CONNECTIONS,
        backpressure=_CONNECTIONS,
        ssl_cert=Path(tls.cert_file) if tls else None,
        ssl_key=Path(tls.key_file) if tls else None,
        ssl_protocol_min=SSLProtocols.tls12,  # there are API servers and proxies that know no better
    )


def check_address(settings: Settings, host: str) -> None:
    """Raises UnsafeAddressError where others could reach a server that believes what they say of themselves.

    In the other modes it may listen anywhere: a proxy is judged by its own address, request by request.
    """
    if settings.auth.mode == "dev" and not settings.auth.dev.allow_remote and not is_loopback(host):
        raise UnsafeAddressError(
            f"auth.mode dev lets anybody be anybody, so it does not listen on {host}: "
            "use 127.0.0.1, or set auth.dev.allowRemote if you mean it"
        )


def check_port(host: str, port: int) -> None:
    """Raises OSError, in words for people: granian itself panics over a port that is taken."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return
    except OSError as error:
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror}") from error


def check_tls(tls: TLS) -> None:
    """Raises OSError (ssl.SSLError is one) where the files are no certificate and its key."""
    for key, file in (("certFile", tls.cert_file), ("keyFile", tls.key_file)):
        try:
            Path(file).read_bytes()
        except OSError as error:
            raise OSError(f"server.tls.{key}: cannot read {file}: {error.strerror}") from error
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(tls.cert_file, tls.key_file, _no_password)
    except (ssl.SSLError, ValueError) as error:
        raise OSError(f"server.tls: {tls.cert_file} and {tls.key_file} are no certificate and its key") from error


def check_authorities(key: str, file: str) -> None:
    """Raises OSError where the file holds no certificates to check others with."""
    try:
        ssl.create_default_context(cafile=file)
    except (ssl.SSLError, OSError) as error:
        raise OSError(f"{key}: {file} cannot be read, or holds no certificates") from error


def check_provider(settings: Settings) -> None:
    """Raises ConfigurationError where the OpenID Provider is on and has no issuer, or a client that cannot be."""
    if issuer_of(settings) is not None:
        Clients(settings.oidc_provider)


def _no_password() -> str:
    """Instead of asking at the terminal for the password of an encrypted key."""
    raise ValueError


@contextlib.contextmanager
def _metrics(port: int | None, host: str) -> Iterator[None]:
    if port is None:
        yield
        return
    server, thread = start_http_server(port, host)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.asynccontextmanager
async def _exported(*numbers: Collector) -> AsyncIterator[None]:
    """Show these numbers at `/metrics` as well."""
    for one in numbers:
        REGISTRY.register(one)
    try:
        yield
    finally:
        for one in numbers:
            REGISTRY.unregister(one)


def _signals() -> asyncio.Queue[signal.Signals]:
    """What arrives from now on, also while the caches still start."""
    received: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received.put_nowait, number)
    return received


async def _end_on(received: asyncio.Queue[signal.Signals], services: Services, server: Server) -> None:
    """On SIGTERM say so at /readyz and go on serving, so that load balancers look away before the socket closes."""
    first = await received.get()
    services.drain()
    log.info("draining", extra={"signal": first.name})
    if first is signal.SIGTERM:
        with contextlib.suppress(TimeoutError):
            # a second signal means now
            await asyncio.wait_for(received.get(), services.settings.server.drain_seconds)
    await services.shells.close()  # while there is still a server by which they can be told
    server.stop()  # type: ignore[no-untyped-call] # granian has no annotation here


async def _settle(services: Services) -> None:
    """Keep the garbage collector out of the first lists: they stay, and looking through them takes it long.

    It collects before they come, when nobody waits for an answer: they leave no garbage behind.
    """
    gc.collect()
    for cache in services.caches:
        await cache.wait_ready()
    gc.freeze()
