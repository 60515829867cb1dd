"""What a client says it can read (RFC 9110, 12.5): no more of it than Genet has to tell apart."""

from typing import Literal

_PARTS = 2
_LONGEST = 1024


def accepts_gzip(accept_encoding: str) -> bool:
    qualities = _qualities(accept_encoding)
    named = [qualities[name] for name in ("gzip", "x-gzip", "*") if name in qualities]
    return bool(named) and named[0] > 0


def prefers(accept: str, media_type: str, other: str) -> bool:
    """Whether `Accept` names `media_type`, and does not want `other` more, by its name or by a range."""
    qualities = _qualities(accept)
    quality = qualities.get(media_type, 0)
    ranges = (other, f"{other.partition('/')[0]}/*", "*/*")  # the narrowest counts
    return quality > 0 and quality >= next((qualities[name] for name in ranges if name in qualities), 0)


def language(accept_language: str) -> Literal["en", "zh"]:
    """The one of Genet's two languages that is wanted more; English where neither is named."""
    found = {"en": 0.0, "zh": 0.0}
    for name, quality in _qualities(accept_language[:_LONGEST]).items():
        primary = name.split("-")[0]
        if primary in found:
            found[primary] = max(found[primary], quality)
    return "zh" if found["zh"] > found["en"] else "en"


def _qualities(header: str) -> dict[str, float]:
    """By name in lower case; what is no number counts as no."""
    found: dict[str, float] = {}
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((part[_PARTS:] for part in parameters if part.startswith("q=")), "1")
        try:
            found[name] = float(quality)
        except ValueError:
            found[name] = 0
    return found
