"""The sentences of every code, in English and in Chinese: what is the matter, with numbers, and what to do about it.

This table is the list of codes. A code's params are the fields of its sentences, the same in both languages; what they
mean and what else to try is in `docs/diagnosis.md`. Templates: see `wording`.
"""

from collections.abc import Mapping
from typing import Final

from genet.pods.diagnosis.reasons import Finding, Param, Reason
from genet.pods.diagnosis.texts.containers import CONTAINERS
from genet.pods.diagnosis.texts.images import IMAGES
from genet.pods.diagnosis.texts.nodes import NODES
from genet.pods.diagnosis.texts.scheduling import SCHEDULING
from genet.pods.diagnosis.texts.volumes import VOLUMES
from genet.pods.diagnosis.wording import Language, Text, headline, worded

TEXTS: Final[Mapping[str, Text]] = {**SCHEDULING, **VOLUMES, **IMAGES, **CONTAINERS, **NODES}
"""By code."""


def reason(found: Finding, language: Language) -> Reason:
    text = TEXTS[found.code]
    template = text.zh if language == "zh" else text.en
    params = {name: _whole(found.params.get(name)) for name in sorted(text.params)}
    return Reason(found.code, {**params}, worded(template, params, language))


def sentence(found: Finding, language: Language) -> str:
    """The first sentence alone: what is the matter, for a row of a list."""
    text = TEXTS[found.code]
    return worded(headline(text.zh if language == "zh" else text.en), found.params, language)


def _whole(value: Param) -> Param:
    return int(value) if isinstance(value, float) and value.is_integer() else value
