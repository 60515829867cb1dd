"""Ten thousand grants whose time is over, collected by whichever of two replicas holds the Lease while both serve.

They are there before the replicas start (see `installation`), so the other tests run beside the collector; this one
comes late and waits for what is left. `GENET_E2E_EXPIRED_GRANTS` says how many; 0 skips it.
"""

from typing import Final

import pytest

from tests.e2e.identity.expired import LIVE, USER
from tests.e2e.identity.installation import Installation
from tests.processes import until

pytestmark = pytest.mark.e2e

SECONDS: Final = 240


def count(installation: Installation) -> int:
    selected = ("-n", installation.grants_namespace, "-l", f"genet.io/user={USER}")
    return len(installation.kubectl("get", "secrets", *selected, "-o", "name").split())


def test_what_is_over_is_collected_and_nothing_else(installation: Installation) -> None:
    if installation.expired_grants == 0:
        pytest.skip("GENET_E2E_EXPIRED_GRANTS=0: no expired grants were made")
    before = count(installation)
    until(lambda: count(installation) <= LIVE, seconds=SECONDS, what="the expired grants are gone")
    print(f"\n{installation.expired_grants} expired grants; {before} were left when this test began")
    assert count(installation) == LIVE
    holders = installation.kubectl.read("leases", "-n", installation.grants_namespace)["items"]
    assert len(holders) == 1
    collected = [server for server in installation.servers if "collected records" in server.log.read_text()]
    assert collected, "no replica says that it has collected anything"
