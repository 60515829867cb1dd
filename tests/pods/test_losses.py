from datetime import UTC, datetime

import pytest

from genet import naming
from genet.accelerators import counts_devices
from genet.pods.losses import TEXTS, consequences
from genet.settings import Auth, Settings, Storage, Volume
from tests.pods.builders import pod

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SETTINGS = Settings(
    auth=Auth(mode="dev"),
    storage=Storage(
        volumes=(
            Volume(name="home", mount_path="/home"),
            Volume(name="cache", mount_path="/cache", reclaim_policy="Delete"),
            Volume(name="tmp", mount_path="/tmp/fast", type="emptyDir"),  # noqa: S108 # a path in a pod
        )
    ),
)
ANNOTATIONS = {naming.SSH_PORT: "30123", naming.PROTECTED_UNTIL: "2026-06-01T12:00:00Z"}


def using(name, gpus=0, annotations=ANNOTATIONS):
    resources = {"limits": {"nvidia.com/gpu": str(gpus)}} if gpus else {}
    claims = [{"name": n, "persistentVolumeClaim": {"claimName": f"alice-{n}"}} for n in ("home", "cache")]
    return pod(
        metadata={"name": name, "annotations": annotations, "creationTimestamp": "2026-05-31T23:00:00Z"},
        spec={
            "containers": [{"name": "main", "resources": resources}],
            "volumes": [*claims, {"name": "tmp", "emptyDir": {}}],
        },
    )


def said(language="en", others=(), **more):
    is_device = counts_devices([])
    return consequences(using("a", **more), others, SETTINGS, is_device=is_device, now=NOW, language=language)


def codes(reasons):
    return {reason.code for reason in reasons}


def test_deleting_loses_what_is_outside_the_volumes_and_gives_gpus_and_port_back():
    told = said(gpus=2).delete
    assert codes(told.lost) == {
        "filesystem", "processes", "sessions", "scratch", "gpus_released", "ssh", "volume_deleted",
    }  # fmt: skip
    assert [(reason.code, reason.params) for reason in told.kept] == [("volume", {"volume": "home", "path": "/home"})]


def test_restarting_keeps_volumes_protection_port_and_definition():
    told = said(gpus=2).restart
    assert codes(told.lost) == {"filesystem", "processes", "sessions", "scratch", "gpus_may_go"}
    assert codes(told.kept) == {"volume", "definition", "protection", "ssh"}
    assert {reason.params["volume"] for reason in told.kept if reason.code == "volume"} == {"home", "cache"}


def test_a_volume_that_another_pod_uses_stays():
    assert "volume_deleted" not in codes(said(others=[using("b")]).delete.lost)


def test_without_gpus_port_or_protection_none_is_spoken_of():
    told = said(annotations={})
    assert codes(told.restart.lost) == {"filesystem", "processes", "sessions", "scratch"}
    assert codes(told.restart.kept) == {"volume", "definition"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_sentence_is_whole(language):
    told = said(language, gpus=1)
    for reason in (*told.delete.lost, *told.delete.kept, *told.restart.lost, *told.restart.kept):
        assert reason.text
        assert not set("{}[]") & set(reason.text), reason.text
        assert reason.params.keys() == TEXTS[reason.code].params
