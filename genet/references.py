"""Names of container images, as runtimes read them: `x` is `docker.io/library/x:latest`. Pure.

Why a room of its own: an allow-list that compares texts is none. The same image has many spellings, and a spelling that
looks like an allowed one may be another image. So references are read once, strictly, by the grammar of the container
runtimes (distribution's `reference`), and compared by their parts.

Traps:
- Where there is a digest, runtimes pull by that and do not look at the tag: `allowed:1@sha256:…` is any image there is.
- `sha256:…` alone is read as the ID of an image that happens to be on the node, whoever pulled it.
- Host names have no case, paths do; a host with a dot at its end is the same host in another spelling.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?")
_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_TAGS: Final = re.compile(r"[A-Za-z0-9_*][A-Za-z0-9_.*-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_IMAGE_ID: Final = re.compile(r"sha(256|384|512)(:.*)?|[0-9a-f]{64}", re.DOTALL)
_HUB: Final = "docker.io"
_HUBS: Final = frozenset({_HUB, "index.docker.io"})
_BELOW: Final = "/*"


class Reference(msgspec.Struct, frozen=True):
    """One image."""

    host: str
    """Of its registry, with the port if one is said, in lower case."""
    path: str
    tag: str | None
    """None: there is a digest, and no tag."""
    digest: str | None

    @property
    def repository(self) -> str:
        return f"{self.host}/{self.path}"


class Pattern(msgspec.Struct, frozen=True):
    """Images that are meant by one entry of an allow-list."""

    repository: str
    is_below: bool
    """Whether it means all repositories below this one, and not itself."""
    tags: re.Pattern[str] | None
    """None: whatever tag and digest."""
    digest: str | None

    def covers(self, image: Reference) -> bool:
        if self.is_below:
            if not image.repository.startswith(f"{self.repository}/"):
                return False
        elif image.repository != self.repository:
            return False
        if self.digest is not None:
            return image.digest == self.digest
        if self.tags is None:
            return True
        # where there is a digest nobody looks at the tag
        return image.digest is None and image.tag is not None and self.tags.fullmatch(image.tag) is not None


def read(text: str) -> Reference | None:
    """The image that a text means; None: it is none that runtimes would take, or one that Genet does not."""
    if _IMAGE_ID.fullmatch(text):
        return None
    name, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return None
    name, tag = _split(name)
    if tag is not None and not _TAG.fullmatch(tag):
        return None
    place = _place(name)
    if place is None:
        return None
    return Reference(*place, tag=tag if tag is not None or at else "latest", digest=digest or None)


def pattern(text: str) -> Pattern | None:
    """What an entry of an allow-list means; None: it cannot be read."""
    name, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return None
    name, tag = _split(name)
    if tag is not None and (at or not _TAGS.fullmatch(tag)):
        return None
    is_below = name.endswith(_BELOW)
    name = name.removesuffix(_BELOW)
    if is_below and is_host(name) and _HOST.fullmatch(name):
        host = name.lower()  # a registry with everything in it
        repository: str | None = _HUB if host in _HUBS else host
    else:
        place = _place(name, is_below=is_below)
        repository = "/".join(place) if place else None
    if repository is None:
        return None
    tags = re.compile(".*".join(map(re.escape, tag.split("*")))) if tag is not None else None
    return Pattern(repository, is_below, tags, digest or None)


def is_allowed(image: Reference, allowed: Iterable[Pattern], always: Iterable[Reference | None]) -> bool:
    """Whether a pattern covers the image, or it is one of those that always are."""
    return any(entry.covers(image) for entry in allowed) or image in always


def _split(name: str) -> tuple[str, str | None]:
    """A name and its tag: a colon before the last slash is a port's."""
    head, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    return head + slash + last, tag if colon else None


def _place(name: str, *, is_below: bool = False) -> tuple[str, str] | None:
    """Host and path."""
    first, slash, rest = name.partition("/")
    host, path = (first, rest) if slash and is_host(first) else (_HUB, name)
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path):
        return None
    host = host.lower()
    if host not in _HUBS:
        return host, path
    return _HUB, path if "/" in path or is_below else f"library/{path}"


def is_host(first: str) -> bool:
    """Whether what is before the first slash is a registry and not a part of the path."""
    return "." in first or ":" in first or first == "localhost" or first != first.lower()
