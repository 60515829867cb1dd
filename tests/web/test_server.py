import pytest

from genet.settings import Auth, Settings
from genet.web.server import UnsafeAddressError, serve


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "genet.lab.example"])  # noqa: S104 - refused
async def test_dev_mode_does_not_listen_where_others_reach_it(host):
    with pytest.raises(UnsafeAddressError, match="allowRemote"):
        await serve(Settings(auth=Auth(mode="dev")), host, 0)
