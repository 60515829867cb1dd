"""Whether an image is one that somebody else has saved. Pure.

One account pulls for all, so the registry gives everybody's images to everybody who knows a name: the wall between
people is here. What administrators offer is theirs to decide: preset images, and what an entry of `pod.allowedImages`
names among the people's images. An entry that covers them only along with the rest of a registry does not mean them.

Trap: a registry's usual ports are the same registry in another spelling.
"""

import re
from typing import Final

from genet import naming, references
from genet.errors import FieldError
from genet.images.target import USER, own
from genet.references import Pattern, Reference
from genet.settings import Settings

_USUAL_PORT: Final = re.compile(r":(443|80)\Z")


def complaint(image: str, settings: Settings, user: str) -> FieldError | None:
    """Why a person's pod may not run from this image, if somebody else has saved it."""
    commit = settings.commit
    read = references.read(image)
    if not commit.enabled or commit.repository is None or read is None:
        return None
    place = commit.repository.partition(USER)[0].count("/")
    mine = _parts(own(commit.repository, user))
    if not _is_anothers(_parts(read.repository), mine, place) or _is_offered(read, settings, mine[:place]):
        return None
    return FieldError("image", f"somebody else's; below {'/'.join(mine[:place])} only what you saved yourself may run")


def _is_anothers(parts: list[str], mine: list[str], place: int) -> bool:
    """`place` is that of the person."""
    if len(parts) <= len(mine) or parts[place] == mine[place] or not naming.is_user_identifier(parts[place]):
        return False
    return [*parts[:place], *parts[place + 1 : len(mine)]] == [*mine[:place], *mine[place + 1 :]]


def _is_offered(image: Reference, settings: Settings, shelves: list[str]) -> bool:
    """`shelves`: what is before the person."""
    entries = [entry for entry in map(references.pattern, settings.pod.allowed_images) if entry is not None]
    meant = [entry for entry in entries if _means(entry, shelves)]
    return references.is_allowed(image, meant, (references.read(one.image) for one in settings.gpu.preset_images))


def _means(entry: Pattern, shelves: list[str]) -> bool:
    return _parts(entry.repository)[: len(shelves)] == shelves


def _parts(repository: str) -> list[str]:
    host, *path = repository.split("/")
    return [_USUAL_PORT.sub("", host), *path]
