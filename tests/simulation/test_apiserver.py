import pytest

from tests.simulation.serving import PODS, pod, serving


@pytest.fixture
async def kube():
    async with serving() as client:
        await client.namespace()
        yield client


async def test_an_object_is_created_read_replaced_patched_and_deleted(kube):
    made = await kube.ask("POST", PODS, pod())
    assert made["spec"]["restartPolicy"] == "Always"
    assert (await kube.ask("GET", f"{PODS}/p")) == made
    changed = {**made, "metadata": {**made["metadata"], "labels": {"a": "1"}}}
    replaced = await kube.ask("PUT", f"{PODS}/p", changed)
    assert replaced["metadata"]["labels"] == {"a": "1"}
    patched = await kube.patch(f"{PODS}/p", {"metadata": {"labels": {"a": None, "b": "2"}}})
    assert patched["metadata"]["labels"] == {"b": "2"}
    await kube.ask("DELETE", f"{PODS}/p")
    gone = await kube.ask("GET", f"{PODS}/p")
    assert gone == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": 'pods "p" not found',
        "reason": "NotFound", "details": {"name": "p", "kind": "pods"}, "code": 404, "_code": 404,
    }  # fmt: skip
