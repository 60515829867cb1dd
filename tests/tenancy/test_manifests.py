from ipaddress import ip_address, ip_network

import msgspec
import pytest

from genet.settings import Settings
from genet.tenancy import manifests

SETTINGS = msgspec.convert(
    {
        "auth": {"mode": "dev"},
        "gpu": {
            "availableTypes": [
                {"name": "A100", "resourceName": "nvidia.com/gpu"},
                {"name": "H100", "resourceName": "nvidia.com/gpu"},
                {"name": "slice", "resourceName": "nvidia.com/mig-1g.10gb", "mode": "mig"},
            ]
        },
        "storage": {
            "volumes": [
                {"name": "a", "mountPath": "/a", "size": "10Gi"},
                {"name": "b", "mountPath": "/b", "size": "1.5Gi"},
            ]
        },
    },
    Settings,
)


def test_the_quota_limits_every_resource_once_and_what_leads_outside():
    assert manifests.resource_quota(SETTINGS, 5, 8)["spec"]["hard"] == {
        "pods": "5",
        "requests.nvidia.com/gpu": "8",
        "requests.nvidia.com/mig-1g.10gb": "8",
        "services": "5",
        "services.nodeports": "5",
        "services.loadbalancers": "0",
        "count/jobs.batch": "5",
        "persistentvolumeclaims": str(5 + len(SETTINGS.storage.volumes)),
        "requests.storage": "12348030976",
    }


def reachable(policy, address):
    return any(
        ip_address(address) in ip_network(peer["ipBlock"]["cidr"])
        and not any(ip_address(address) in ip_network(net) for net in peer["ipBlock"]["except"])
        for rule in policy["spec"]["egress"]
        for peer in rule["to"]
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1", True),
        ("8.8.8.8", True),
        ("2001:db8::1", True),
        ("169.254.169.254", False),
        ("fd00:ec2::254", False),
        ("169.254.20.10", True),
        ("169.254.170.2", False),
        ("169.254.170.23", False),
        ("fd00:ec2::23", False),
        ("100.100.100.200", False),
    ],
)
def test_pods_reach_everything_but_the_metadata_addresses(address, expected):
    assert reachable(manifests.network_policy("alice-alice"), address) is expected


def test_other_users_pods_do_not_get_in():
    [rule] = manifests.network_policy("alice-alice")["spec"]["ingress"]
    assert [peer["namespaceSelector"] for peer in rule["from"]] == [
        {"matchLabels": {"genet.io/user": "alice-alice"}},
        {"matchExpressions": [{"key": "genet.io/user", "operator": "DoesNotExist"}]},
    ]


def test_from_anywhere_only_into_genets_pods_and_only_to_the_port_of_ssh():
    spec = manifests.ssh_policy(SETTINGS)["spec"]
    assert spec["podSelector"] == {"matchLabels": {"genet.io/created-by": "genet"}}
    assert spec["ingress"] == [{"ports": [{"protocol": "TCP", "port": 22}]}]
    assert spec["policyTypes"] == ["Ingress"]


def test_where_ssh_is_off_its_rule_lets_nobody_in():
    off = msgspec.convert({"auth": {"mode": "dev"}, "ssh": {"enabled": False}}, Settings)
    assert manifests.ssh_policy(off)["spec"]["ingress"] == []
