"""What every pod gets, and the bounds of what a person may ask for."""

from typing import Annotated

import msgspec

from genet.settings.section import Quantity, Section

# A POSIX shell and nothing else is asked of the image. `wait` is what lets the trap run at once on TERM.
DEFAULT_COMMAND = (
    "/bin/sh",
    "-c",
    "if [ -x /usr/sbin/sshd ]; then mkdir -p /run/sshd && /usr/sbin/sshd; fi; "
    "echo 'genet: ready'; trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done",
)


class Compute(Section, frozen=True):
    cpu: Quantity
    """Cores."""
    memory: Quantity
    """Bytes."""


class Pod(Section, frozen=True):
    command: tuple[str, ...] = DEFAULT_COMMAND
    """Main process where neither the request nor its preset image names one."""
    defaults: Compute = Compute(cpu="4", memory="16Gi")
    """Limits (and requests) of a pod whose request says nothing."""
    max: Compute = Compute(cpu="64", memory="512Gi")
    """The most one pod may ask for."""


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
