"""The whole configuration as frozen Structs. Nothing else in Genet reads files or the environment for settings.

Defaults < YAML file < environment (`GENET_…`, nested by `__`), see `genet.settings.sources`.
"""

from typing import Annotated

import msgspec

from genet.settings.access import TLS, Admins, Auth, Dev, Kubernetes, Server
from genet.settings.commit import Commit
from genet.settings.gpu import GPU, GPUType, PresetImage, Toleration
from genet.settings.kubeconfig import Certificates, Cluster, Kubeconfig
from genet.settings.login import Allow, Client, Lifetimes, OAuth, OIDCProvider, Proxy, Session
from genet.settings.pod import Compute, EgressProxy, Idle, Lifecycle, Pod, PullSecret
from genet.settings.section import Section
from genet.settings.storage import Storage, Volume
from genet.settings.work import SSH, Exec, Terminal

__all__ = [
    "GPU",
    "SSH",
    "TLS",
    "UI",
    "Admins",
    "Allow",
    "Auth",
    "Certificates",
    "Client",
    "Cluster",
    "Commit",
    "Compute",
    "Dev",
    "EgressProxy",
    "Exec",
    "GPUType",
    "Idle",
    "Kubeconfig",
    "Kubernetes",
    "Lifecycle",
    "Lifetimes",
    "OAuth",
    "OIDCProvider",
    "Pod",
    "PresetImage",
    "Proxy",
    "PullSecret",
    "Server",
    "Session",
    "Settings",
    "Storage",
    "Terminal",
    "Toleration",
    "Volume",
]


class UI(Section, frozen=True):
    title: str = "Genet"
    """Shown in the page's header and the browser's tab."""


class Settings(Section, frozen=True):
    auth: Auth
    server: Server = Server()
    kubernetes: Kubernetes = Kubernetes()
    gpu: GPU = GPU()
    pod: Pod = Pod()
    proxy: EgressProxy = EgressProxy()
    storage: Storage = Storage()
    ssh: SSH = SSH()
    exec: Exec = Exec()
    terminal: Terminal = Terminal()
    commit: Commit = Commit()
    lifecycle: Lifecycle = Lifecycle()
    pod_limit_per_user: Annotated[int, msgspec.Meta(ge=0)] = 5
    """Pods of one user that are neither Succeeded nor Failed."""
    gpu_limit_per_user: Annotated[int, msgspec.Meta(ge=0)] = 8
    """GPUs of one user over all types."""
    prometheus_url: str | None = msgspec.field(name="prometheusURL", default=None)
    """Base URL of the Prometheus that scrapes the GPU exporters; null: the overview shows allocation alone."""
    ui: UI = UI()
    oauth: OAuth = OAuth()
    oidc_provider: OIDCProvider = OIDCProvider()
    cluster: Cluster = Cluster()
    kubeconfig: Kubeconfig = Kubeconfig()
