"""The Grafana dashboard: it arrives as it was written, and asks for nothing that Genet does not export."""

import ast
import json
import re
from pathlib import Path

import genet
from genet.gpus.usage.gauges import NAMESPACE, TYPE, USER
from tests.helm.conftest import ACCEPTED, CHART

DASHBOARD = CHART / "dashboards" / "genet.json"
OF_REQUESTS = {"genet_requests_total", "genet_request_duration_seconds"}
"""What Litestar's middleware counts, under the prefix that the application gives it."""


def questions() -> list[str]:
    return [target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"]]


def found(helm, *arguments):
    return [one for one in helm.template(*ACCEPTED, *arguments) if one["metadata"]["name"] == "genet-dashboard"]


def exported() -> set[str]:
    """Names of numbers in Genet's own code."""
    files = Path(genet.__file__).parent.rglob("*.py")
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if re.fullmatch(r"genet_[a-z_]+", text)} | OF_REQUESTS


def test_grafanas_side_car_finds_the_dashboard(helm):
    (dashboard,) = found(helm)
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["genet.json"]) == json.loads(DASHBOARD.read_text())


def test_no_dashboard_where_it_is_switched_off(helm):
    assert found(helm, "--set", "dashboard.enabled=false") == []


def test_only_what_genet_exports_is_asked_for():
    named = {re.sub("_bucket$", "", name) for text in questions() for name in re.findall(r"genet_[a-z_]+", text)}
    assert named
    assert named <= exported()


def test_what_every_replica_says_is_not_added_up():
    for text in questions():
        for name in re.findall(r"genet_gpu[a-z_]*|genet_records", text):
            assert re.search(rf"max(?: by \([a-z_, ]+\) )?\({name}\)", text), text


def test_a_holder_is_told_by_all_labels():
    assert any(f"max by ({NAMESPACE}, {USER}, {TYPE})" in text for text in questions())
