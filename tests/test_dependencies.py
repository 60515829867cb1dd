"""What the server is built on is new enough for what was found in it, and what is not to be used of it is not."""

import ast
import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = SETTINGS["project"]
LOCK = (ROOT / "requirements.lock").read_text()
FIXED = {
    # CVE-2025-68158, GHSA-jj8c-mmj3-mmgv, CVE-2026-27962, CVE-2026-28498, CVE-2026-28802
    "authlib": (1, 6, 11),
    # CVE-2026-32597, and CVE-2022-29217 and CVE-2024-53861 before
    "pyjwt": (2, 12),
    # CVE-2025-59152, CVE-2026-25479, CVE-2026-25480
    "litestar": (2, 20),
}
"""The first releases in which these are repaired."""


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


@pytest.mark.parametrize(("name", "repaired"), FIXED.items(), ids=FIXED)
def test_no_release_with_a_known_hole_can_be_installed(name, repaired):
    (floor,) = [found[1] for text in PROJECT["optional-dependencies"]["server"]
                if (found := re.match(rf"{name}>=([0-9.]+)", text))]  # fmt: skip
    assert version(floor) >= repaired
    locked = re.search(rf"^{name}==([0-9.]+) ", LOCK, re.MULTILINE)
    assert locked is not None
    assert version(locked[1]) >= version(floor)


def imported(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    parts = [
        f"{node.module}.{alias.name}" for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    return {*plain, *parts}


def test_tokens_are_read_and_signed_by_one_library_alone():
    modules = set(chain.from_iterable(map(imported, (ROOT / "genet").rglob("*.py"))))
    others = ("authlib.jose", "authlib.oidc", "authlib.integrations.httpx", "jose", "joserfc", "jwcrypto")
    assert [name for name in modules if name.startswith(others)] == []
    assert any(name.startswith("jwt") for name in modules)


def test_no_room_is_forgotten_by_the_rules_on_imports():
    """A new one would be free to import what it likes, and nobody would be told."""
    inside = (path for path in (ROOT / "genet").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())
    rooms = {f"genet.{path.stem}" for path in inside if not path.stem.startswith("__")}
    layers, simulation, gateway = SETTINGS["tool"]["importlinter"]["contracts"]
    layered = {room for layer in layers["layers"] for room in layer.split(" | ")}
    assert layered - {"cronjobs.cleanup"} == rooms - {"genet.simulation"}
    assert set(simulation["forbidden_modules"]) == rooms - {"genet.simulation"}
    assert set(gateway["source_modules"]) == rooms - {"genet.kube"}
