"""Names of people, namespaces and objects, and the keys Genet writes on objects. Pure.

Why a room of its own: two people who share one name share one namespace, so every rule that makes a name is here and
nowhere else. The plain form (`zhangsan-zs`) is used only where it cannot collide: both parts match `[a-z0-9]+`, so the
one hyphen splits it back into its parts. Everything else gets a hash, and `-x-` gives it at least two hyphens, which
the plain form never has.
"""

import base64
import hashlib
import re
from collections.abc import Mapping

MANAGED = "genet.io/managed"
"""Label, `true` on namespaces and objects that Genet looks after."""
USER = "genet.io/user"
"""Label: the userIdentifier of the owner."""
GPU_TYPE = "genet.io/gpu-type"
"""Label: the name of the GPU type asked for."""
CREATED_BY = "genet.io/created-by"
"""Label: `genet` on pods that Genet made."""
OWNER = "genet.io/owner"
"""Annotation of a namespace: the identity it belongs to, never the name alone."""
EMAIL = "genet.io/email"
"""Annotation of a namespace: where its owner reads mail."""
PROTECTED_UNTIL = "genet.io/protected-until"
"""Annotation of a pod: RFC 3339 time before which the nightly clean-up leaves it alone."""
PROTECTED_AT = "genet.io/protected-at"
"""Annotation of a pod: RFC 3339 time at which Genet last changed protected-until; bounds what others write there."""
PREPARED = "genet.io/prepared"
"""Annotation of a namespace: digest of the objects Genet made in it last; another digest means make them again."""
RESERVATIONS = "genet.io/reservations"
"""Annotation of a namespace: pods being created right now, JSON; the object the quota sums are compared-and-set on."""
DELETED = "genet.io/deleted"
"""Annotation of a namespace: which pods were deleted lately, when and why, JSON; the oldest leave first."""
RESTART = "genet.io/restart"
"""Annotation of a pod that a restart has made and not yet finished with: that restart's mark."""
GPU_DEVICES = "genet.io/gpu-devices"
"""Annotation of a pod: the card indexes chosen, comma separated (mode `shared`)."""
GPU_COUNT = "genet.io/gpu-count"
"""Annotation of a pod: how many devices its claim asks for (mode `dra`)."""
POD = "genet.io/pod"
"""Label of a pod and of what belongs to it: the pod's name. Its Service finds it by that."""
POD_UID = "genet.io/pod-uid"
"""Label of a Job that saves a pod as an image, and of the Job's pod: the pod's uid."""
CONTAINER = "genet.io/container-id"
"""Annotation of such a Job's pod: the ID of the container that it saves."""
IMAGE = "genet.io/image"
"""Annotation of a Job that saves a pod as an image: what the image is called."""
SSH_PORT = "genet.io/ssh-port"
"""Annotation of a pod: the NodePort of its Service; only Genet's own word counts."""
SSH_HOST_KEY = "genet.io/ssh-host-key"
"""Annotation of a pod: the fingerprint of its SSH host key, as `ssh-keygen -l` prints it."""
GPU_MODE = "genet.io/gpu-mode"
"""Label of a node: `shared` where several of Genet's pods may work on one card."""
RECLAIM_POLICY = "genet.io/reclaim-policy"
"""Label of a claim that Genet made: `Delete` where it goes with the last pod that uses it."""
HELD = "genet.io/held-"
"""Annotation of a claim, with a mark behind it: RFC 3339 time until which a pod that uses it is being made."""
EXEMPT = "genet.io/exempt"
"""Annotation of a namespace: `true` keeps the clean-up out of it."""
POD_LIMIT = "genet.io/pod-limit"
"""Annotation of a namespace: this user's own pod limit, set by admins."""
GPU_LIMIT = "genet.io/gpu-limit"
"""Annotation of a namespace: this user's own GPU limit, set by admins."""

POD_NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,26}[a-z0-9])?$"

_PLAIN = re.compile(r"[a-z0-9]+")
_PLAIN_LENGTH = 30
_SLUG_LENGTH = 17
_HASH_LENGTH = 10
_IDENTIFIER = re.compile(
    rf"(?=.{{3,{_PLAIN_LENGTH}}}\Z)(?:[a-z0-9]+-[a-z0-9]+|[a-z0-9-]+-x-[a-z2-7]{{{_HASH_LENGTH}}})"
)


def user_identifier(username: str, email: str) -> str:
    """The name of one person, at most 30 characters, deterministic, never shared by two (username, mail) pairs."""
    if "\0" in username:
        raise ValueError("a user name with a NUL could be cut elsewhere and name somebody else")
    prefix = email.partition("@")[0]
    plain = f"{username}-{prefix}"
    if _PLAIN.fullmatch(username) and _PLAIN.fullmatch(prefix) and len(plain) <= _PLAIN_LENGTH:
        return plain
    digest = base64.b32encode(hashlib.sha256(f"{username}\0{email}".encode()).digest()).decode().lower()
    return f"{_slug(username)}-x-{digest[:_HASH_LENGTH]}"


def is_user_identifier(text: str) -> bool:
    """Whether somebody can be called that."""
    return _IDENTIFIER.fullmatch(text) is not None


def namespace(user: str) -> str:
    return f"user-{user}"


def user_of(namespace_name: str) -> str | None:
    """The userIdentifier whose namespace has this name; None: it is no user's."""
    user = namespace_name.removeprefix(namespace(""))
    return user if user and user != namespace_name else None


def holder(namespace_name: str, labels: Mapping[str, str]) -> str | None:
    """The userIdentifier of a pod's owner; None: it is no user's.

    Its namespace says it. Its label is whatever who made the pod wrote there, so it counts elsewhere only.
    """
    return user_of(namespace_name) or labels.get(USER) or None


def pod_prefix(user: str) -> str:
    return f"pod-{user}-"


def pod(user: str, name: str) -> str:
    return pod_prefix(user) + name


def pod_suffix(user: str, object_name: str) -> str:
    """The part after the prefix; the whole name for pods that were not named by Genet."""
    return object_name.removeprefix(pod_prefix(user))


def commit(user: str, unix_seconds: int) -> str:
    """The Job that saves one of a person's pods as an image."""
    return f"commit-{user}-{unix_seconds}"


def commit_lease(pod_uid: str) -> str:
    """What lets one Job at a time save a pod."""
    return f"commit-{pod_uid}"


def rescue(pod_uid: str) -> str:
    """The Job that lets a container go on which another Job, whose pod this was, may have left paused."""
    return f"unpause-{pod_uid}"


def pvc(user: str, volume: str) -> str:
    return f"{user}-{volume}"


def pull_secret(name: str) -> str:
    """The Secret in a person's namespace with the registry credentials that have this name in the configuration."""
    return f"genet-pull-{name}"


def persistent_volume(user: str, volume: str) -> str:
    """Of the whole cluster, so with a separator that neither part can hold: `a-x` and `b-c` are not `a-x-b` and `c`."""
    return f"genet.{user}.{volume}"


def generated_pod_name(unix_seconds: int, entropy: bytes) -> str:
    """`{unix seconds}-{4 base32}` for a request without a name; `entropy` is 3 or more random bytes."""
    return f"{unix_seconds}-{base64.b32encode(entropy).decode().lower()[:4]}"


def _slug(text: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_SLUG_LENGTH].strip("-")
    return slug or "u"
