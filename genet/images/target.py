"""What an image that a person saves is called. Pure.

It always ends up in the person's own part of the registry: what others saved there, and what their pods run from, is
theirs. The text becomes an argument of a program that may do anything on the node, so it is read by the grammar of
references and written anew from its parts: it begins with a host name, and holds nothing but a reference's characters.
"""

from typing import Final

from genet import references
from genet.errors import FieldError, Invalid
from genet.references import Pattern

USER: Final = "{userIdentifier}"
MOST: Final = 255
"""Characters of the whole name."""


def own(repository: str, user: str) -> str:
    """The person's part of the registry, below which their images are; `repository` has passed the settings' checks."""
    below = "/x"  # by itself Docker's hub would have it in its library
    read = references.read(repository.replace(USER, user) + below)
    if read is None:
        raise ValueError("no part of a registry")
    return read.repository.removesuffix(below)


def own_images(repository: str, user: str) -> Pattern:
    """All that a person can have saved."""
    return Pattern(own(repository, user), is_below=True, tags=None, digest=None)


def target(text: str, repository: str, user: str) -> str:
    """The whole name of an image that a person calls `NAME[:TAG]`, or by its whole name.

    Raises:
        Invalid: it is no name, or one outside of the person's own part of the registry.
    """
    part = own(repository, user)
    if "@" in text:
        raise _bad(
            "an image is saved under a tag, and its digest is known afterwards; leave out the @ and what follows"
        )
    first, slash, _ = text.partition("/")
    is_whole = bool(slash) and references.is_host(first)
    read = references.read(text if is_whole else f"{part}/{text}")
    if read is None:
        raise _bad("expected NAME or NAME:TAG; a NAME has a-z, 0-9, and between them . _ - and /")
    if not read.repository.startswith(f"{part}/"):
        raise _bad(f"expected a name below {part}/, which is where your images go")
    whole = f"{read.repository}:{read.tag}"
    if len(whole) > MOST:
        raise _bad(f"{whole[:40]}… has more than {MOST} characters")
    return whole


def _bad(message: str) -> Invalid:
    return Invalid("the image cannot be called that", errors=[FieldError("image", message)])
