import socket

import pytest

from genet.settings import Auth, Dev, Settings
from genet.web.server import UnsafeAddressError, check_address, check_port


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "genet.lab.example", ""])  # noqa: S104 - refused
def test_dev_mode_does_not_listen_where_others_reach_it(host):
    with pytest.raises(UnsafeAddressError, match="allowRemote"):
        check_address(Settings(auth=Auth(mode="dev")), host)
    check_address(Settings(auth=Auth(mode="dev", dev=Dev(allow_remote=True))), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_dev_mode_listens_on_this_machine(host):
    check_address(Settings(auth=Auth(mode="dev")), host)


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_port_that_is_taken_is_named(host, family):
    with socket.create_server((host, 0), family=family) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"{host} port {port}: "):
            check_port(host, port)
    check_port(host, port)
