"""What types alone cannot say of saving pods as images: where they go, and what the Job is called with. Pure.

Its Job may do anything on a node, so a key that is wrong stops the start, and not the first person who saves a pod.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from genet import references

if TYPE_CHECKING:  # the whole configuration knows its parts, and not they it
    from genet.settings import Settings

Complaint = tuple[str, str]
"""The key, and what is wrong with it."""

_USER: Final = "{userIdentifier}"
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SOCKET: Final = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
_CONTAINERD_NAMESPACE: Final = re.compile(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*")
_OF_PEOPLE: Final = "user-"
"""As in `genet.naming`, which is a room beside this one."""


def commit_complaints(settings: "Settings") -> Iterator[Complaint]:
    """What is wrong with the settings of saving pods, where that is switched on."""
    own = settings.commit
    if not own.enabled:
        return
    yield from _repository(own.repository)
    if own.image is None:
        yield "commit.image", "required where commit.enabled is true: an image that has nerdctl"
    elif references.read(own.image) is None:
        yield "commit.image", "expected an image such as registry.example.org/genet/nerdctl:2.1"
    if not _LABEL.fullmatch(own.namespace):
        yield "commit.namespace", "expected the name of a namespace"
    elif own.namespace.startswith(_OF_PEOPLE):
        yield "commit.namespace", "this may be somebody's own, and who has rights there has them on the nodes"
    if own.push_secret is not None and not _NAME.fullmatch(own.push_secret):
        yield "commit.pushSecret", "expected the name of a Secret in commit.namespace"
    if not _SOCKET.fullmatch(own.socket):
        yield "commit.socket", "expected an absolute path such as /run/containerd/containerd.sock"
    if not _CONTAINERD_NAMESPACE.fullmatch(own.containerd_namespace):
        yield "commit.containerdNamespace", "expected a namespace of containerd such as k8s.io"


def _repository(text: str | None) -> Iterator[Complaint]:
    if text is None:
        yield "commit.repository", f"required where commit.enabled is true: such as registry.example.org/people/{_USER}"
        return
    host, *path = text.split("/")
    if path.count(_USER) != 1 or text.count(_USER) != 1:
        yield (
            "commit.repository",
            f"expected {_USER} once, as a whole part of the path: people would share what is saved",
        )
    elif not references.is_host(host) or references.read(f"{text.replace(_USER, 'u')}/x:1") is None:
        yield "commit.repository", f"expected a registry's name and a path, such as registry.example.org/people/{_USER}"
