"""Who works in a storm, and what the answers promised them."""

import threading
from collections import defaultdict
from typing import Literal

from genet import naming

Due = Literal["there", "gone", "open"]
"""What the last answer promised; `open` where there was none, or one that says so."""


class Person:
    def __init__(self, name: str) -> None:
        self.name = name
        self.identifier = naming.user_identifier(name, f"{name}@dev.invalid")
        self.namespace = naming.namespace(self.identifier)
        self.locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        """One request about a name at a time, so that what the answers promised is one thing."""
        self.pods: defaultdict[str, Due] = defaultdict(lambda: "gone")
        self.cut: set[str] = set()
        """Names of pods of which a creation was cut off."""
        self.keys: defaultdict[str, Due] = defaultdict(lambda: "gone")
        self.key_ids: dict[str, str] = {}

    def pod(self, name: str) -> str:
        return naming.pod(self.identifier, name)
