"""Why a pod does not run: the same reasons on the embedded cluster and on a real one."""

import pytest

from tests.contract.conftest import until


async def described(person, pod, code, **headers):
    """The reasons by code, as soon as this one is among them."""

    async def ask():
        answer = await person.http.get(f"/api/pods/{pod['id']}/describe", headers=headers)
        return {reason["code"]: reason for reason in answer.raise_for_status().json()["reasons"]}

    return await until(ask, lambda reasons: code in reasons, seconds=90)


@pytest.mark.parametrize(
    ("request_", "code", "params"),
    [
        ({"command": ["sh", "-c", "exit 3"]}, "exited", {"container": "main", "exitCode": 3, "message": None}),
        ({"command": ["no-such-program"]}, "command_not_found", {"command": "no-such-program", "exitCode": 128}),
        ({"command": ["tail", "/dev/zero"]}, "oom_killed", {"limit": 32 * 2**20}),
        ({"image": "unreachable.invalid/tool:1"}, "registry_unreachable", {"registry": "unreachable.invalid"}),
    ],
    ids=["exit-code", "no-program", "out-of-memory", "no-registry"],
)
async def test_the_same_fault_has_the_same_reason(person, request_, code, params):
    pod = await person.made("fault", **request_)
    found = await described(person, pod, code)
    assert params.items() <= found[code]["params"].items()
    chinese = await described(person, pod, code, **{"accept-language": "zh-CN"})
    assert chinese[code]["text"].endswith("。")


async def test_a_pod_that_runs_has_no_reasons(person):
    pod = await person.made("well")
    await until(person.pods, lambda pods: pods["well"]["status"] == "Running", seconds=90)
    answer = await person.read(f"/api/pods/{pod['id']}/describe")
    assert answer["reasons"] == []
    assert {item["name"] for item in answer["containers"]} == {"main"}
    assert answer["containers"][0]["imageID"]
