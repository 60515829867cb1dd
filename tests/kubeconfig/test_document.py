import json
import shutil
import subprocess

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from genet.kubeconfig import document
from genet.settings import Cluster

CREDENTIALS = {"token": "t"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TRICKY = ["y", "n", "Yes", "off", "null", "~", "1e3", "0x1f", "0o17", "1_000", "12:30", ".5", ".inf", "NaN",
          "2026-11-22", "a: b", "a #b", "#", "- a", "[", "{x}", "!!str", "&a", "*a", "%", "@", "`", "'", '"',
          "a\nb", "\t", "", " a ",
          "é", "名前", "🐧", "\x85", "\u2028", "\ufeff", "\x7f", "<<", "=", "|", ">", "?"]  # fmt: skip


def cluster(name="lab", **fields):
    return Cluster(name=name, server="https://api.example.org:6443", **fields)


def test_the_file_names_one_cluster_one_user_and_the_own_namespace():
    written = yaml.safe_load(document.text(cluster(ca_data="Q0E="), "zhangsan-zs", CREDENTIALS))
    assert written == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "lab",
                "cluster": {"server": "https://api.example.org:6443", "certificate-authority-data": "Q0E="},
            }
        ],
        "users": [{"name": "lab-zhangsan-zs", "user": {"token": "t"}}],
        "contexts": [
            {
                "name": "lab",
                "context": {"cluster": "lab", "namespace": "user-zhangsan-zs", "user": "lab-zhangsan-zs"},
            }
        ],
        "current-context": "lab",
        "preferences": {},
    }


def test_without_a_bundle_the_systems_authorities_are_asked():
    written = yaml.safe_load(document.text(cluster(), "a-a", CREDENTIALS))
    assert written["clusters"][0]["cluster"] == {"server": "https://api.example.org:6443"}


def test_without_a_server_there_is_nothing_to_write():
    with pytest.raises(ValueError, match=r"cluster\.server"):
        document.text(Cluster(), "a-a", CREDENTIALS)


@given(st.recursive(TEXT | st.sampled_from(TRICKY) | st.booleans(), lambda inner: st.lists(inner, max_size=3) |
                    st.dictionaries(TEXT | st.sampled_from(TRICKY), inner, max_size=3)))  # fmt: skip
def test_whatever_text_goes_in_comes_out(value):
    dumped = document.dump({"value": value})
    assert yaml.safe_load(dumped) == {"value": value}
    assert msgspec.yaml.decode(dumped) == {"value": value}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_reads_the_same_text(tmp_path):
    names = [name for name in TRICKY if name]
    file = tmp_path / "kubeconfig"
    file.write_text(document.dump({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": "https://x"}} for name in names],
    }))  # fmt: skip
    read = subprocess.run(
        ["kubectl", "--kubeconfig", str(file), "config", "view", "-o", "json"],
        capture_output=True, text=True, check=True, env={"PATH": "/nowhere", "HOME": str(tmp_path)},
        executable=shutil.which("kubectl"),
    )  # fmt: skip
    assert {item["name"] for item in json.loads(read.stdout)["clusters"]} == set(names)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("lab", "kubeconfig-lab.yaml"),
        ('a"; filename="b.exe', "kubeconfig-a-filename-b-exe.yaml"),
        ("../../etc/passwd", "kubeconfig-etc-passwd.yaml"),
        ("名前\r\nSet-Cookie: a=b", "kubeconfig-Set-Cookie-a-b.yaml"),
        ("🐧", "kubeconfig-cluster.yaml"),
    ],
)
def test_the_download_has_a_name_that_means_nothing_else(name, file):
    assert document.file_name(cluster(name)) == file
