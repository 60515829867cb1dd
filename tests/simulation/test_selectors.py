import pytest

from genet.simulation.errors import ApiError
from genet.simulation.resources import KINDS
from genet.simulation.selectors import parse

POD = {
    "metadata": {"name": "p", "namespace": "ns", "labels": {"app": "web", "tier": "x", "example.com/a": "1"}},
    "spec": {"nodeName": "n"},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("missing!=x", True),
        ("app", True),
        ("!app", False),
        ("!missing", True),
        ("app in (web, db)", True),
        ("app in (db)", False),
        ("app notin (db)", True),
        ("missing notin (db)", True),
        ("app=web,tier in (x,y),!z", True),
        ("app=web,tier=y", False),
        ("example.com/a=1", True),
        ("app=", False),
    ],
)
def test_label_selectors(selector, matches):
    assert parse(KINDS["pods"], selector, "")(POD) is matches


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("metadata.name=p", True),
        ("metadata.namespace!=ns", False),
        ("spec.nodeName=n,status.phase=Running", True),
        ("status.phase!=Running", False),
        ("spec.nodeName=", False),
    ],
)
def test_field_selectors(selector, matches):
    assert parse(KINDS["pods"], "", selector)(POD) is matches


def test_nodes_are_schedulable_unless_said_otherwise():
    select = parse(KINDS["nodes"], "", "spec.unschedulable=false")
    assert select({"metadata": {"name": "n"}, "spec": {}})
    assert not select({"metadata": {"name": "n"}, "spec": {"unschedulable": True}})


@pytest.mark.parametrize(
    ("labels", "fields"), [("a=b=c", ""), ("a in b", ""), ("", "spec.foo=x"), ("", "status.phase")]
)
def test_selectors_that_cannot_be_read_are_bad_requests(labels, fields):
    with pytest.raises(ApiError) as refused:
        parse(KINDS["pods"], labels, fields)
    assert refused.value.code == 400
