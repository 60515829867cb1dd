"""How people keep a pod's container as an image."""

from typing import Annotated

import msgspec

from genet.settings.section import Quantity, Section


class Commit(Section, frozen=True):
    """Save image: a Job on the pod's node asks containerd for what the container has changed, and pushes it."""

    enabled: bool = False
    """Let people save their pods as images. Its Job may do anything on the node: see docs/save-image.md first."""
    repository: str | None = None
    """Where images go, with the person in it: `registry.example.com/people/{userIdentifier}`. Required if enabled."""
    image: str | None = None
    """The image of the Job; it has `nerdctl`. Required if enabled."""
    namespace: str = "genet-jobs"
    """Where the Jobs run and the credentials for the push are; people have no rights there."""
    push_secret: str | None = None
    """Secret of type kubernetes.io/dockerconfigjson there; null: the registry takes pushes from everybody."""
    socket: str = "/run/containerd/containerd.sock"
    """Of containerd, on the nodes."""
    containerd_namespace: str = "k8s.io"
    """Where containerd keeps the containers of Kubernetes."""
    pause: bool = True
    """Stop the container's processes while its files are read; false: what is being written may be half there."""
    insecure_registry: bool = False
    """Push over HTTP, or past a certificate that nobody can check."""
    timeout_minutes: Annotated[int, msgspec.Meta(ge=1, le=24 * 60)] = 60
    """A Job that takes longer is ended."""
    keep_hours: Annotated[int, msgspec.Meta(ge=1, le=31 * 24)] = 24
    """How long a Job that has ended stays, and with it what its pod is told to have been saved as."""
    cpu: Quantity = "2"
    """Limit of each of the Job's containers."""
    memory: Quantity = "2Gi"
    """Limit of each of the Job's containers."""
