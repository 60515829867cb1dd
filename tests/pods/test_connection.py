import msgspec

from genet.pods.connection import connection, ssh_port
from genet.settings import Settings
from tests.pods.builders import pod

KEY = "SHA256:mVPwvezndPv/ARoIadVY98vAC0g+P/5633yTC4d/wXE"


def settings(**changes):
    return msgspec.convert({"auth": {"mode": "dev"}, **changes}, Settings)


def genets(*, port="30123", created_by="genet", spec=None, **status):
    notes = {"genet.io/ssh-port": port, "genet.io/ssh-host-key": KEY}
    metadata = {"labels": {"genet.io/created-by": created_by}, "annotations": notes}
    return pod(metadata=metadata, spec=spec or {}, **status)


def test_every_way_in():
    found = connection(genets(hostIP="10.0.0.11"), settings())
    assert found.ssh == "ssh root@10.0.0.11 -p 30123"
    assert found.vscode == "vscode://vscode-remote/ssh-remote+root@10.0.0.11:30123/root"
    assert found.jetbrains == (
        "jetbrains-gateway://connect#type=ssh&host=10.0.0.11&port=30123&user=root&projectPath=%2Froot"
    )
    assert found.ssh_config is not None
    assert found.ssh_config.splitlines()[:3] == ["Host pod-alice-alice-a", "  HostName 10.0.0.11", "  Port 30123"]
    assert found.kubectl_exec == "kubectl -n user-alice-alice exec -it pod-alice-alice-a -- /bin/sh"
    assert found.host_key_fingerprints == (KEY,)
    (port,) = found.ports
    assert (port.name, port.container_port, port.node_port, port.url) == (
        "ssh",
        22,
        30123,
        "ssh://root@10.0.0.11:30123",
    )


def test_the_configured_host_is_shown_before_the_pod_has_a_node():
    assert connection(genets(), settings(ssh={"host": "gpu.example.org"})).ssh == "ssh root@gpu.example.org -p 30123"


def test_an_address_of_ipv6_is_in_brackets_in_links_alone():
    found = connection(genets(hostIP="fd00::1"), settings())
    assert found.ssh == "ssh root@fd00::1 -p 30123"
    assert found.ports[0].url == "ssh://root@[fd00::1]:30123"


def test_without_a_node_or_a_port_there_is_no_way_in_yet():
    waiting = connection(genets(), settings())
    assert (waiting.ssh, waiting.vscode, waiting.jetbrains, waiting.ssh_config) == (None, None, None, None)
    assert waiting.ports[0].node_port == 30123
    assert waiting.ports[0].url is None
    assert connection(genets(port="", hostIP="10.0.0.1"), settings()).ports == ()


def test_of_pods_made_with_kubectl_and_of_ended_ones_no_port_is_believed():
    assert ssh_port(genets(created_by="me")) is None
    assert ssh_port(genets(phase="Failed")) is None
    assert [ssh_port(genets(port=text)) for text in ("30123", "x", "-1", "1e3", "٣", "999999")] == [30123, *[None] * 5]


def test_no_kubectl_where_there_is_no_kubeconfig():
    found = connection(genets(), settings(kubeconfig={"mode": "off"}))
    assert (found.kubectl_exec, found.port_forward) == (None, None)


def test_ports_of_the_container_are_listed_behind():
    spec = {"containers": [{"name": "main", "ports": [{"name": "web", "containerPort": 8080}]}]}
    web = connection(genets(spec=spec), settings()).ports[1]
    assert (web.name, web.container_port, web.node_port, web.url) == ("web", 8080, None, None)
