"""Services: what the API server fills in, gives and refuses."""

from datetime import UTC, datetime

import pytest

from genet.simulation.admission import Admission
from genet.simulation.errors import ApiError
from genet.simulation.resources import KINDS
from genet.simulation.store import Object, Store

SERVICES = KINDS["services"]


@pytest.fixture
def store() -> Store:
    return Store(lambda: datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def admission(store: Store) -> Admission:
    store.create("namespaces", {"metadata": {"name": "user-a"}})
    return Admission(store)


def service(name: str = "web", type_: str = "NodePort", **port: object) -> Object:
    ports = [{"port": 22, **port}]
    return {"metadata": {"name": name, "namespace": "user-a"}, "spec": {"type": type_, "ports": ports}}


def made(admission: Admission, store: Store, obj: Object) -> Object:
    return store.create("services", admission.create(SERVICES, obj))


def refusal(admission: Admission, obj: Object) -> str:
    with pytest.raises(ApiError) as caught:
        admission.create(SERVICES, obj)
    return caught.value.message


def test_a_node_port_and_an_address_are_given(admission, store):
    spec = made(admission, store, service())["spec"]
    assert 30000 <= spec["ports"][0]["nodePort"] <= 32767
    assert spec["clusterIP"].startswith("10.96.")
    assert spec["ports"][0] | {"nodePort": 0} == {"port": 22, "protocol": "TCP", "targetPort": 22, "nodePort": 0}
    assert spec["externalTrafficPolicy"] == "Cluster"


def test_no_two_services_get_the_same(admission, store):
    specs = [made(admission, store, service(f"web-{n}"))["spec"] for n in range(200)]
    assert len({spec["clusterIP"] for spec in specs}) == 200
    assert len({spec["ports"][0]["nodePort"] for spec in specs}) == 200


def test_a_port_that_is_asked_for_is_given_once(admission, store):
    made(admission, store, service("one", nodePort=30022))
    assert refusal(admission, service("two", nodePort=30022)) == (
        'Service "two" is invalid: spec.ports[0].nodePort: Invalid value: 30022: provided port is already allocated'
    )


def test_a_port_is_given_back_with_its_service(admission, store):
    made(admission, store, service("one", nodePort=30022))
    store.delete("services", "user-a", "one")
    assert made(admission, store, service("two", nodePort=30022))["spec"]["ports"][0]["nodePort"] == 30022


def test_a_port_out_of_range_is_refused(admission):
    assert refusal(admission, service("low", nodePort=80)) == (
        'Service "low" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. '
        "The range of valid ports is 30000-32767"
    )


def test_a_cluster_ip_service_has_no_node_port(admission, store):
    assert "nodePort" not in made(admission, store, service(type_="ClusterIP"))["spec"]["ports"][0]
    assert "may not be used when `type` is 'ClusterIP'" in refusal(admission, service("b", "ClusterIP", nodePort=30022))


def test_an_update_keeps_what_was_given(admission, store):
    before = made(admission, store, service())
    after = admission.update(SERVICES, {**service(), "metadata": before["metadata"]}, before)
    assert after["spec"]["clusterIP"] == before["spec"]["clusterIP"]
    assert after["spec"]["ports"] == before["spec"]["ports"]


def test_an_address_does_not_change(admission, store):
    before = made(admission, store, service())
    other = {**before, "spec": {**before["spec"], "clusterIP": "10.96.1.1"}}
    with pytest.raises(ApiError, match="may not change once set"):
        admission.update(SERVICES, other, before)


def test_a_type_without_node_ports_gives_them_back(admission, store):
    before = made(admission, store, service(nodePort=30022))
    inside = {**before, "spec": {**before["spec"], "type": "ClusterIP"}}
    assert "nodePort" not in admission.update(SERVICES, inside, before)["spec"]["ports"][0]


def test_no_more_load_balancers_and_node_ports_than_the_quota_says(admission, store):
    hard = {"services.loadbalancers": "0", "services.nodeports": "1"}
    quota = {"metadata": {"name": "genet", "namespace": "user-a"}, "spec": {"hard": hard}, "status": {}}
    store.create("resourcequotas", quota)
    made(admission, store, service("one"))
    assert "exceeded quota: genet, requested: services.nodeports=1, used: services.nodeports=1" in refusal(
        admission, service("two")
    )
    balancer = refusal(admission, service("three", "LoadBalancer"))
    assert "requested: services.loadbalancers=1,services.nodeports=1" in balancer
    store.delete("services", "user-a", "one")
    made(admission, store, service("two"))


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (service("1web"), "a DNS-1035 label must consist of"),
        (service(type_="Port"), 'spec.type: Unsupported value: "Port"'),
        ({"metadata": {"name": "a", "namespace": "user-a"}, "spec": {}}, "spec.ports: Required value"),
        (service(port=70000), "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive"),
    ],
)
def test_what_is_no_service_is_refused(admission, obj, message):
    assert message in refusal(admission, obj)
