"""Why an image is not on the node, from the words of kubelets, containerd, CRI-O and Docker. Pure.

Traps: while the kubelet waits between two tries it says no more than `Back-off pulling image`, and only newer versions
repeat the cause there, so the last `Failed` event is asked too. Docker Hub answers 401 for what does not exist, so that
nobody can tell private from missing: the text says both.
"""

import re
from collections.abc import Mapping
from typing import Final

from genet.pods.diagnosis.evidence import Evidence
from genet.pods.diagnosis.reasons import Finding, finding, quoted
from genet.pods.diagnosis.said import is_past, newest

WAITING: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_DEFAULT_REGISTRY: Final = "docker.io"
_STATUS: Final = re.compile(
    r"(?:status(?: code)?(?: from [A-Z]+ request to \S+)?(?: \[[^\]]*\])?:? ?)(\d{3})", re.IGNORECASE
)
_PULL: Final = re.compile(r'^Failed to pull image "([^"]*)": ?(.*)$', re.DOTALL)
_CAUSE: Final = re.compile(
    r".*?(?:failed to resolve reference|failed to pull and unpack image) \"[^\"]*\": "
    r"(?:failed to resolve reference \"[^\"]*\": )?"
    r"(?:failed to do request: (?:Head|Get) \"[^\"]*\": )?(?:failed to copy: )?(.*)",
    re.DOTALL,
)
_KINDS: Final = (
    ("registry_rate_limit", r"toomanyrequests|too many requests|429|pull rate limit"),
    ("node_disk_full", r"no space left on device"),
    ("image_platform", r"no match for platform|no matching manifest for|image operating system .* cannot be used"),
    (
        "registry_certificate",
        r"x509:|certificate signed by unknown|tls: failed to verify|http response to https client",
    ),
    (
        "image_forbidden",
        r"\b401\b|\b403\b|unauthorized|authentication required|authorization failed|access denied|denied:|"
        r"requested access to the resource is denied|insufficient_scope|no basic auth credentials",
    ),
    (
        "registry_unreachable",
        r"no such host|connection refused|i/o timeout|deadline exceeded|no route to host|network is unreachable|"
        r"connection reset|: eof$|server misbehaving|tls handshake timeout|client\.timeout|request canceled|dial tcp",
    ),
    ("registry_error", r"\b5\d\d\b .*|status code \[[^\]]*\]: 5\d\d|unexpected status.*\b5\d\d\b"),
    ("image_not_found", r"not found|manifest unknown|name unknown|repository does not exist|\b404\b"),
)
_PATTERNS: Final = tuple((code, re.compile(pattern, re.IGNORECASE)) for code, pattern in _KINDS)


def pull(evidence: Evidence, container: str, image: str, reason: str, message: str) -> Finding:
    """`reason` and `message` are those of the container that waits."""
    about: Mapping[str, str] = {"container": container, "image": image}
    if reason == "InvalidImageName":
        return finding("image_invalid", message=_without_names(message), **about)
    if reason == "ErrImageNeverPull":
        return finding("image_never_pulled", node=evidence.pod.spec.node_name, **about)
    cause = _said(evidence, container, image, message)
    return _classified(cause, evidence.pod.spec.node_name, image, about)


def pulling(evidence: Evidence, container: str, image: str) -> Finding | None:
    """A pull that is under way: begun, and neither through nor failed since."""
    begun = next(newest(evidence.events, "Pulling", container=container), None)
    if begun is None or not any(quote in begun.message for quote in (f'"{image}"', image)):
        return None
    since = begun.last_timestamp or begun.event_time
    ended = newest(evidence.events, "Pulled", "Failed", "BackOff", container=container)
    if any(not is_past(event, since) for event in ended):
        return None
    seconds = max(0, int((evidence.now - since).total_seconds())) if since else None
    return finding("image_pulling", container=container, image=image, node=evidence.pod.spec.node_name, seconds=seconds)


def registry(image: str) -> str:
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else _DEFAULT_REGISTRY


def _said(evidence: Evidence, container: str, image: str, message: str) -> str:
    """The cause, in whose words it is known; empty where nobody said."""
    inline = message.removeprefix(f'Back-off pulling image "{image}"').removeprefix(": ")
    inline = inline.removeprefix("ErrImagePull: ")
    if inline:
        return inline
    for event in newest(evidence.events, "Failed", container=container):
        match = _PULL.match(event.message)
        if match is not None and match[1] == image:
            return match[2]
    return ""


def _classified(cause: str, node: str, image: str, about: Mapping[str, str]) -> Finding:
    where = registry(image)
    words = cause.replace(image, "").replace(where, "")  # an image may be called `denied` or `404`
    code = next((code for code, pattern in _PATTERNS if pattern.search(words)), "image_pull_failed")
    status = _STATUS.search(words)
    match = _CAUSE.match(cause)
    message = quoted(match[1] if match else cause)
    more = {"registry": where, "message": message or None, "status": status[1] if status else None, "node": node}
    return finding(code, **about, **more)


def _without_names(message: str) -> str:
    return quoted(message.rsplit('": ', maxsplit=1)[-1])
