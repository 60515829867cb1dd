"""How to reach the API server: a kubeconfig named in the settings, else the pod's service account, else the user's own.

Everything is read afresh on each call, so that rotated certificates and tokens are found: the caller asks again when
the API server answers 401. (The service account's token is also re-read every minute by the client itself.)
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config

from genet.errors import Unavailable
from genet.settings import Kubernetes

MOST_CONNECTIONS = 1000
"""At once. The client's own 100 would all be taken by as many people who follow a log, and nothing else would go on."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


async def load(settings: Kubernetes, environ: Mapping[str, str]) -> Configuration:
    """Address and credentials as they are now.

    Raises:
        Unavailable: no configuration, or one that cannot be used; says which file.
    """
    configuration = Configuration()
    path = settings.kubeconfig
    if path is None and "KUBERNETES_SERVICE_HOST" in environ:
        where = "the pod's service account"
    else:
        where = path = path or environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    try:
        if path is None:
            load_incluster_config(configuration)  # type: ignore[no-untyped-call] # the library's
        else:
            await load_kube_config(  # type: ignore[no-untyped-call] # the library's
                path, settings.context, configuration, persist_config=False
            )
    except Exception as error:  # the loaders let KeyError, AttributeError and YAML's errors through
        raise Unavailable(f"cannot read how to reach Kubernetes from {where}: {error}") from error
    configuration.connection_pool_maxsize = MOST_CONNECTIONS
    if urlsplit(configuration.host).hostname in _LOOPBACK:
        # HTTP_PROXY is for the world outside; without NO_PROXY aiohttp would send it calls to this very machine.
        configuration.client_session_kwargs = {"trust_env": False}
    return configuration
