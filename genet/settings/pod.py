"""What every pod gets, and the bounds of what a person may ask for."""

from typing import Annotated

import msgspec

from genet.settings.gpu import Toleration
from genet.settings.section import Quantity, Secret, Section

_DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_DNS_NAME = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
Name = Annotated[str, msgspec.Meta(pattern=_DNS_NAME)]
"""The name of an object of the cluster."""

# A POSIX shell and nothing else is asked of the image. `wait` is what lets the trap run at once on TERM. What sshd is
# started with, and again where it ends, comes with the pod (`genet.pods.sshd`).
DEFAULT_COMMAND = (
    "/bin/sh",
    "-c",
    "if [ -x /usr/sbin/sshd ] && [ -r /etc/genet/ssh/start ]; then . /etc/genet/ssh/start; fi; "
    "echo 'genet: ready'; trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done",
)


class Compute(Section, frozen=True):
    cpu: Quantity
    """Cores."""
    memory: Quantity
    """Bytes."""


class PullSecret(Section, frozen=True):
    """Credentials of one registry; they should let nobody push, since whoever may run pods can use them."""

    name: Annotated[str, msgspec.Meta(pattern=_DNS_LABEL)]
    """Of the Secret in every person's namespace, behind `genet-pull-`."""
    registry: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]+)?$")]
    """Host, with its port if it has one, such as `registry.example.org`; without scheme."""
    username: Annotated[str, msgspec.Meta(pattern=r"^[^:\x00-\x1f]+$")]
    password: Secret


class EgressProxy(Section, frozen=True):
    """How pods reach what is outside, told to programs by the usual environment variables in both spellings."""

    http_proxy: str | None = None
    """`HTTP_PROXY`, such as `http://proxy.example.org:3128`. Whoever has a pod can read what stands here."""
    https_proxy: str | None = None
    """`HTTPS_PROXY`."""
    no_proxy: str | None = None
    """`NO_PROXY`: what is reached without it, such as `10.0.0.0/8,.svc,.cluster.local`."""


class Pod(Section, frozen=True):
    command: tuple[str, ...] = DEFAULT_COMMAND
    """Main process where neither the request nor its preset image names one. What Genet puts into a pod so that its
    owner gets in by SSH (keys, host key, configuration) is started by `. /etc/genet/ssh/start`, which returns at
    once."""
    defaults: Compute = Compute(cpu="4", memory="16Gi")
    """Limits (and requests) of a pod whose request says nothing."""
    max: Compute = Compute(cpu="64", memory="512Gi")
    """The most one pod may ask for."""
    allowed_images: tuple[Annotated[str, msgspec.Meta(min_length=1)], ...] = ()
    """The images people may run besides the presets: a repository with its registry
    (`registry.example.org/team/torch`), everything below one (`registry.example.org/team/*`), or either with a tag in
    which `*` stands for anything (`docker.io/library/debian:12*`). Without entries, any image."""
    pull_secrets: tuple[PullSecret, ...] = ()
    """Registry credentials that every person's pods pull with; people cannot read them with kubectl."""
    env: dict[str, str] = msgspec.field(default_factory=dict)
    """Environment of every pod; what a request sets goes before it."""
    tolerations: tuple[Toleration, ...] = ()
    """Given to every pod, besides its GPU type's; people cannot add their own."""
    node_selector: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels of the nodes that pods run on, besides their GPU type's."""
    scheduler_name: Name | None = None
    """null: the cluster's default scheduler."""
    priority_class_name: Name | None = None
    """PriorityClass of every pod; null: the cluster's default."""
    runtime_class_name: Name | None = None
    """RuntimeClass of every pod; null: the nodes' default."""
    service_account: Name | None = None
    """ServiceAccount of every pod, which must be there in every person's namespace; null: `default`."""
    mount_service_account_token: bool = False
    """Put that account's token into the pods: whoever is in one then has its rights."""


class Idle(Section, frozen=True):
    utilization_percent: Annotated[int, msgspec.Meta(ge=0, lt=100)] = 5
    """A GPU whose utilization is at most this does nothing (percent)."""
    minutes: Annotated[int, msgspec.Meta(ge=1)] = 30
    """Held GPUs that have done nothing for as long are listed as idle."""


class Lifecycle(Section, frozen=True):
    enabled: bool = True
    """Whether the nightly clean-up runs at all; off, pods have no `deletesAt`."""
    auto_delete_time: Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "23:00"
    """Time of day of the clean-up, HH:MM in `timezone`. In YAML write it in quotes: 23:00 alone is a number there."""
    timezone: str = "UTC"
    """IANA name, such as Europe/Berlin."""
    default_protect_hours: Annotated[float, msgspec.Meta(ge=0)] = 0
    """Hours of protection a new pod starts with; 0: none."""
    max_protect_hours: Annotated[float, msgspec.Meta(gt=0)] = 168
    """The longest protection anybody can set, counted from now (hours)."""
    idle: Idle = Idle()
