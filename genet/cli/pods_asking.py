"""What the verbs of `genet pods` share: what was typed, the exit codes, and where answers and remarks go."""

import argparse
import sys
from typing import Final

from genet.client import shown
from genet.client.api import Api
from genet.client.pods import Document, Pod, Pods

FAILED: Final = 1
ASKED_WRONGLY: Final = 2
NOT_ALLOWED: Final = 3
NO_SUCH_POD: Final = 4
TOO_LONG: Final = 124
INTERRUPTED: Final = 130


class Asking:
    """One command's: what was typed, and the API it is about."""

    def __init__(self, arguments: argparse.Namespace, api: Api) -> None:
        self.arguments = arguments
        self.api = api
        self.pods = Pods(api)

    def pod(self) -> Pod:
        return self.pods.find(self.arguments.pod)


def note(text: str) -> None:
    """A remark: stdout belongs to what was asked for."""
    print(text, file=sys.stderr)


def print_document(document: Document | list[Document], output: str) -> None:
    print(shown.as_json(document) if output == "json" else shown.as_yaml(document))
