"""The kubeconfig file itself: one cluster, one user, one context. Built as data and dumped, never templated. Pure.

Trap: YAML readers disagree about plain text. `y` is true and `1e3` a number to kubectl, both are text to PyYAML. So
what is not text beyond doubt is quoted, and nothing is folded.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec
import yaml

from genet import naming
from genet.settings import Cluster

Form: TypeAlias = Literal["exec", "auth-provider", "certificate"]


class Kubeconfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A kubeconfig as the API answers with it."""

    mode: Literal["oidc", "cert"]
    form: Form
    kubeconfig: str
    """YAML text."""
    expires_at: str | None
    """RFC 3339; null: as long as the person can log in."""
    instructions: tuple[str, ...]
    """Sentences for people, in the order in which to do them."""


def text(cluster: Cluster, identifier: str, credentials: Mapping[str, Any]) -> str:
    """The file's YAML.

    Args:
        cluster: where the API server is; `cluster.server` must be set.
        identifier: the userIdentifier whose namespace is the default one.
        credentials: the user's entry: an exec plugin, an auth provider, or a certificate with its key.
    """
    if cluster.server is None:
        raise ValueError("without cluster.server there are no kubeconfigs")
    reached: dict[str, Any] = {"server": cluster.server}
    if cluster.ca_data is not None:
        reached["certificate-authority-data"] = cluster.ca_data
    user = f"{cluster.name}-{identifier}"
    context = {"cluster": cluster.name, "namespace": naming.namespace(identifier), "user": user}
    return dump({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster.name, "cluster": reached}],
        "users": [{"name": user, "user": dict(credentials)}],
        "contexts": [{"name": cluster.name, "context": context}],
        "current-context": cluster.name,
        "preferences": {},
    })  # fmt: skip


def file_name(cluster: Cluster) -> str:
    """What a download is called: nothing in it that means something in a header or in a path."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", cluster.name).strip("-")[:_LONGEST_NAME]
    return f"kubeconfig-{name or 'cluster'}.yaml"


def dump(document: Mapping[str, Any]) -> str:
    dumped: str = yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_UNFOLDED)
    return dumped


_LONGEST_NAME: Final = 63
_UNFOLDED: Final = 1 << 30
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./:=+-]*[A-Za-z0-9]")
_NOT_TEXT: Final = frozenset({"yes", "no", "on", "off", "true", "false", "null", "inf", "nan"})
"""What YAML 1.1 takes for something else, beside all that does not begin with a letter or is one letter alone."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 # PyYAML's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 # PyYAML's signature
        """Lists stand below their key, as people write them."""
        super().increase_indent(flow, False)


def _represent(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    is_plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _NOT_TEXT
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if is_plain else '"')


_Dumper.add_representer(str, _represent)
