"""How many pods and GPUs one person may have. Pure."""

import re
from dataclasses import dataclass

from genet import naming
from genet.kube.objects import Namespace
from genet.settings import Settings


@dataclass(frozen=True)
class Limits:
    pods: int
    gpus: int


def limits_of(namespace: Namespace | None, settings: Settings) -> Limits:
    """The configured limits, or this user's own from the namespace's annotations; what is no number is ignored."""
    notes = namespace.metadata.annotations if namespace is not None else {}
    return Limits(
        pods=_number(notes.get(naming.POD_LIMIT), settings.pod_limit_per_user),
        gpus=_number(notes.get(naming.GPU_LIMIT), settings.gpu_limit_per_user),
    )


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text) else default
