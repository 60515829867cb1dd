"""The ASGI application of one replica."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import Litestar, Request
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.plugins.prometheus import PrometheusConfig

from genet.auth import proxy
from genet.errors import GenetError
from genet.settings import Settings
from genet.web import openapi, problems, spa
from genet.web.boundary import LOOPBACK_NAMES, ASGIApp, Boundary, host_name
from genet.web.controllers.account import auth_status, config
from genet.web.controllers.authorize import AUTHORIZATION
from genet.web.controllers.cluster import availability, gpu_overview, gpu_overview_stream
from genet.web.controllers.commit import commit_pod, show_commit
from genet.web.controllers.describe import describe_pod
from genet.web.controllers.device import DEVICE_PAGE
from genet.web.controllers.downloads import downloads
from genet.web.controllers.exec import exec_in_pod
from genet.web.controllers.grants import GrantsController
from genet.web.controllers.health import live, ready
from genet.web.controllers.kubeconfig import download_kubeconfig, issue_kubeconfig, show_kubeconfig
from genet.web.controllers.login import log_in, log_in_ended, log_out
from genet.web.controllers.monitor import monitor_cluster, monitor_system
from genet.web.controllers.nodes import show_node
from genet.web.controllers.oidc import PROTOCOL
from genet.web.controllers.oidc_kubeconfig import COMMAND_LINE
from genet.web.controllers.pod_logs import pod_logs
from genet.web.controllers.pod_metrics import pod_metrics, shared_gpus
from genet.web.controllers.pods import PodsController
from genet.web.controllers.restart import restart_pod, show_consequences, show_history
from genet.web.controllers.ssh_keys import SSHKeysController
from genet.web.controllers.terminal import terminal
from genet.web.controllers.tokens import TokensController
from genet.web.controllers.usage import usage
from genet.web.controllers.volumes import VolumesController
from genet.web.guards import Gate, Identify, unguarded
from genet.web.head import looking
from genet.web.identification import identify_by
from genet.web.services import Services
from genet.web.sockets import telling
from genet.web.telemetry import UNMEASURED

MAX_BODY_BYTES = 1024 * 1024


def create_app(settings: Settings, services: Services, *, identify: Identify | None = None) -> Boundary:
    """The application over running services, with its boundary around it.

    Args:
        settings: the configuration.
        services: what it runs on.
        identify: who is calling; None: as `auth.mode` says.
    """
    app = create_litestar(settings, identify=identify)
    app.state.services = services
    return bounded(looking(telling(app)), settings)


def bounded(app: ASGIApp, settings: Settings) -> Boundary:
    """The boundary that these settings ask for, around the application."""
    server, mode = settings.server, settings.auth.mode
    hosts = {name.lower() for name in server.allowed_hosts}
    if server.public_url is not None:
        hosts.add(host_name(urlsplit(server.public_url).netloc.encode()))
    if mode == "dev":
        hosts |= LOOPBACK_NAMES
    return Boundary(
        app,
        hosts=hosts,
        trusts_local_programs=mode == "dev",
        origin=server.public_url,
        is_behind_proxy=mode == "proxy",
        proxys_names=proxy.names(settings),
    )


def create_litestar(settings: Settings, *, static: Path = spa.STATIC, identify: Identify | None = None) -> Litestar:
    """Routes and rules, still without services: enough for the OpenAPI document.

    Raises:
        RuntimeError: a route has no line in the policy table.
    """
    app = Litestar(
        route_handlers=[
            live,
            ready,
            auth_status,
            log_in,
            log_in_ended,
            log_out,
            config,
            gpu_overview,
            gpu_overview_stream,
            availability,
            show_node,
            usage,
            monitor_cluster,
            monitor_system,
            PodsController,
            VolumesController,
            describe_pod,
            exec_in_pod,
            terminal,
            pod_logs,
            pod_metrics,
            shared_gpus,
            restart_pod,
            commit_pod,
            show_commit,
            show_consequences,
            show_history,
            show_kubeconfig,
            issue_kubeconfig,
            download_kubeconfig,
            SSHKeysController,
            TokensController,
            GrantsController,
            PROTOCOL,
            COMMAND_LINE,
            AUTHORIZATION,
            DEVICE_PAGE,
            *downloads(settings.server.public_url),
            spa.reference(static),
            *spa.assets(static),
            spa.page(static),
        ],
        dependencies={"services": Provide(_services, sync_to_thread=False)},
        guards=[Gate(identify or identify_by(settings))],
        exception_handlers={
            GenetError: problems.on_genet_error,
            HTTPException: problems.on_http_error,
            Exception: problems.on_bug,
        },
        middleware=[
            PrometheusConfig(app_name="genet", prefix="genet", group_path=True, exclude_opt_key=UNMEASURED).middleware
        ],
        openapi_config=openapi.described(),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        debug=False,
    )
    if missing := unguarded(app.routes):
        raise RuntimeError(f"routes without a line in genet.auth.policy: {', '.join(missing)}")
    openapi.say_who_may(app.routes)
    return app


def _services(request: Request[Any, Any, Any]) -> Services:
    services: Services = request.app.state.services
    return services
