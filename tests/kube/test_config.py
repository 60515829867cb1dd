"""Where address and credentials come from."""

import pytest
import yaml
from kubernetes.aio.config import incluster_config

from genet.errors import Unavailable
from genet.kube import config
from genet.pods.follow import OF_A_REPLICA
from genet.settings import Kubernetes


def write(path, *servers: str) -> str:
    names = [f"c{index}" for index in range(len(servers))]
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": names[0],
                "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in names],
                "clusters": [{"name": n, "cluster": {"server": s}} for n, s in zip(names, servers, strict=True)],
                "users": [{"name": "u", "user": {"token": "secret"}}],
            }
        )
    )
    return str(path)


async def test_the_kubeconfig_of_the_settings_comes_first(tmp_path):
    named = write(tmp_path / "named", "http://named.example")
    environ = {"KUBECONFIG": write(tmp_path / "env", "http://env.example"), "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    loaded = await config.load(Kubernetes(kubeconfig=named), environ)
    assert loaded.host == "http://named.example"
    assert loaded.api_key["BearerToken"] == "Bearer secret"


async def test_then_the_service_account_of_the_pod(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("from-file")
    (tmp_path / "ca.crt").write_text("a certificate")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBECONFIG": write(tmp_path / "env", "http://env.example")}
    loaded = await config.load(Kubernetes(), environ)
    assert loaded.host == "https://[fd00::1]:443"
    assert loaded.api_key["BearerToken"] == "bearer from-file"


async def test_then_the_kubeconfig_of_the_environment(tmp_path):
    environ = {"KUBECONFIG": write(tmp_path / "env", "http://env.example", "http://other.example")}
    assert (await config.load(Kubernetes(), environ)).host == "http://env.example"
    assert (await config.load(Kubernetes(context="c1"), environ)).host == "http://other.example"


@pytest.mark.parametrize("content", ["", "[1, 2", "current-context: nowhere\n", "current-context: c\ncontexts: 5\n"])
async def test_what_cannot_be_used_names_the_file(tmp_path, content):
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    with pytest.raises(Unavailable, match=str(path)):
        await config.load(Kubernetes(kubeconfig=str(path)), {})


async def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(Unavailable, match="absent"):
        await config.load(Kubernetes(kubeconfig=str(tmp_path / "absent")), {})


async def test_calls_to_this_machine_never_take_the_proxy_for_the_world_outside(tmp_path):
    inside = await config.load(Kubernetes(kubeconfig=write(tmp_path / "a", "http://127.0.0.1:8001")), {})
    outside = await config.load(Kubernetes(kubeconfig=write(tmp_path / "b", "https://kube.example")), {})
    assert inside.client_session_kwargs == {"trust_env": False}
    assert outside.client_session_kwargs is None


async def test_every_load_reads_the_files_again(tmp_path):
    path = write(tmp_path / "kubeconfig", "http://before.example")
    assert (await config.load(Kubernetes(kubeconfig=path), {})).host == "http://before.example"
    write(tmp_path / "kubeconfig", "http://after.example")
    assert (await config.load(Kubernetes(kubeconfig=path), {})).host == "http://after.example"


async def test_there_are_connections_enough_for_all_who_follow_a_log(tmp_path):
    configuration = await config.load(Kubernetes(kubeconfig=write(tmp_path / "named", "http://named.example")), {})
    assert configuration.connection_pool_maxsize > 2 * OF_A_REPLICA
