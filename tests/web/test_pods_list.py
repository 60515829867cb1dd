"""The list of pods comes out of the cache: nobody's page, however often it asks, costs the API server anything."""

from datetime import timedelta

from genet.auth.dev import dev_user
from tests.identities import make_token
from tests.replicas import switch


async def test_a_list_of_pods_asks_the_api_server_nothing(cluster, replica):
    for name in ("a", "b"):
        assert (await replica.create(name=name)).status_code == 201
    await switch(cluster, "fail", status=500, times=100_000)
    before = len(cluster.api.faults.refused)
    for _ in range(20):
        assert sorted(await replica.pods()) == ["pod-alice-alice-a", "pod-alice-alice-b"]
        assert await replica.pods(user="bob") == []
        assert len(await replica.pods(user="admin", all="true")) == 2
    assert _about_pods(cluster.api.faults.refused[before:]) == []


async def test_with_an_api_token_it_asks_nothing_either(cluster, replica):
    assert (await replica.create(name="a")).status_code == 201
    identity = replica.services.identity
    token = await make_token(identity, dev_user("alice", replica.services.settings), lifetime=timedelta(days=1))
    headers = {"Authorization": f"Bearer {token}"}
    assert (await replica.http.get("/api/pods", headers=headers)).status_code == 200
    await identity.tokens.settled()  # that it was used is noted once an hour
    await switch(cluster, "fail", status=500, times=100_000)
    before = len(cluster.api.faults.refused)
    for _ in range(20):
        answer = await replica.http.get("/api/pods", headers=headers)
        assert [pod["name"] for pod in answer.json()["pods"]] == ["a"]
    assert _about_pods(cluster.api.faults.refused[before:]) == []


def _about_pods(refused: list[str]) -> list[str]:
    """Without what goes on in the background."""
    return [one for one in refused if "/leases" not in one and not one.startswith("GET /apis/")]
