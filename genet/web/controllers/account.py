"""Who is calling, and what the page has to know before anything else."""

from typing import Literal

import msgspec
from litestar import get

from genet import __version__
from genet.errors import Unavailable
from genet.pods import modes
from genet.settings import GPUType, Settings
from genet.web.controllers.login import LOGIN
from genet.web.guards import AnyRequest, current_user
from genet.web.problems import refusals
from genet.web.services import Injected, Services


class AuthStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    authenticated: bool
    mode: Literal["oauth", "proxy", "dev"]
    username: str | None
    email: str | None
    user_identifier: str | None
    is_admin: bool
    groups: tuple[str, ...]
    login_url: str | None = msgspec.field(name="loginURL")


class GPUTypeView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    label: str
    resource_name: str
    mode: str
    max_per_pod: int
    gpus_per_node: int | None
    """The most devices of this type on one node of the cluster as it is now."""


class PresetImageView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    image: str
    description: str
    icon: str
    command: tuple[str, ...] | None
    ssh: bool


class Bound(msgspec.Struct, frozen=True):
    default: str
    max: str


class LimitsView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pod_limit_per_user: int
    gpu_limit_per_user: int
    cpu: Bound
    memory: Bound


class VolumeView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    mount_path: str
    type: str
    read_only: bool


class LifecycleView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    auto_delete_time: str
    timezone: str
    default_protect_hours: float
    max_protect_hours: float


class Features(msgspec.Struct, frozen=True, kw_only=True):
    kubeconfig: Literal["oidc", "cert", "off"]
    commit: bool
    terminal: bool


class UIView(msgspec.Struct, frozen=True):
    title: str


class Config(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    gpu_types: tuple[GPUTypeView, ...]
    preset_images: tuple[PresetImageView, ...]
    limits: LimitsView
    volumes: tuple[VolumeView, ...]
    lifecycle: LifecycleView
    features: Features
    ui: UIView
    version: str


@get("/api/auth/status", name="auth:status", summary="Who is calling", tags=["account"], responses=refusals(403))
async def auth_status(request: AnyRequest, services: Injected) -> AuthStatus:
    """Answers without a login as well; `loginURL` then says where to send a browser."""
    user = current_user(request)
    return AuthStatus(
        authenticated=user is not None,
        mode=services.settings.auth.mode,
        username=user.username if user else None,
        email=user.email if user else None,
        user_identifier=user.identifier if user else None,
        is_admin=user is not None and user.is_admin,
        groups=user.groups if user else (),
        login_url=LOGIN if user is None and services.settings.auth.mode == "oauth" else None,
    )


@get("/api/config", name="config:show", summary="What the page has to know", tags=["account"], responses=refusals(403))
async def config(services: Injected) -> Config:
    """GPU types, images, limits, volumes and features of this installation: what a create form needs."""
    settings = services.settings
    return Config(
        gpu_types=tuple([await _gpu_type(kind, services) for kind in settings.gpu.available_types]),
        preset_images=tuple(
            msgspec.convert(preset, PresetImageView, from_attributes=True) for preset in settings.gpu.preset_images
        ),
        limits=_limits(settings),
        volumes=tuple(msgspec.convert(volume, VolumeView, from_attributes=True) for volume in settings.storage.volumes),
        lifecycle=msgspec.convert(settings.lifecycle, LifecycleView, from_attributes=True),
        features=Features(
            kubeconfig=services.issue_kubeconfig.mode,
            commit=settings.commit.enabled,
            terminal=settings.terminal.enabled,
        ),
        ui=UIView(settings.ui.title),
        version=__version__,
    )


async def _gpu_type(kind: GPUType, services: Services) -> GPUTypeView:
    try:
        places = await services.create_pod.places(kind)
    except Unavailable:  # the page is shown before the cluster is known
        places = []
    counts = [len(place.cards) if place.total is None else place.total for place in places]
    return GPUTypeView(
        name=kind.name,
        label=kind.label or kind.name,
        resource_name=kind.resource_name,
        mode=kind.mode,
        max_per_pod=modes.most(kind),
        gpus_per_node=max(counts, default=0) or None,
    )


def _limits(settings: Settings) -> LimitsView:
    defaults, most = settings.pod.defaults, settings.pod.max
    return LimitsView(
        pod_limit_per_user=settings.pod_limit_per_user,
        gpu_limit_per_user=settings.gpu_limit_per_user,
        cpu=Bound(defaults.cpu, most.cpu),
        memory=Bound(defaults.memory, most.memory),
    )
