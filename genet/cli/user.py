"""The user's commands: log in, and let kubectl know who is calling."""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from genet.cli.common import Commands, authorities, complain

if TYPE_CHECKING:
    from genet.client.credential import Renewal
    from genet.client.login import Way
    from genet.client.store import ApiToken, Login, Store

_INTERRUPTED = 130
_LONGEST_TOKEN = 4096


def add(commands: Commands) -> None:
    login = commands.add_parser("login", help="log in at a Genet server with your browser")
    login.add_argument("server", metavar="SERVER", help="address of the server, such as https://genet.example.org")
    _with_client(login)
    _withauthorities(login)
    login.add_argument("--no-browser", action="store_true", help="print the address to open, open nothing")
    login.add_argument("--device", action="store_true", help="log in by a code entered on another device")
    login.add_argument("--with-token", action="store_true", help="keep an API token, read from stdin, for `genet pods`")
    login.add_argument("--time-limit", type=float, default=300.0, metavar="SECONDS", help="(default %(default)g)")
    login.set_defaults(run=_spoken(_login))

    credential = commands.add_parser("credential", help="print a credential; kubectl runs this")
    credential.add_argument("--issuer", required=True, metavar="URL", help="who is to say who you are")
    _with_client(credential)
    _withauthorities(credential)
    credential.set_defaults(run=_spoken(_credential))

    kubeconfig = commands.add_parser("kubeconfig", help="fetch the kubeconfig of your namespace")
    _with_server(kubeconfig)
    where = kubeconfig.add_mutually_exclusive_group()
    where.add_argument("--merge", action="store_true", help="merge it into the file kubectl writes to, with kubectl")
    where.add_argument("--output", metavar="FILE", help="write it there (-: print it)")
    kubeconfig.set_defaults(run=_spoken(_kubeconfig))

    whoami = commands.add_parser("whoami", help="print who is logged in, and where")
    _with_server(whoami)
    whoami.set_defaults(run=_spoken(_whoami))

    logout = commands.add_parser("logout", help="end the login, here and at the server")
    _with_server(logout)
    logout.set_defaults(run=_spoken(_logout))


def _with_client(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client-id", default="kube", metavar="ID", help="(default %(default)s)")


def _withauthorities(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--ca-file", type=Path, metavar="FILE", help="PEM authorities to check the server with")
    group.add_argument("--ca-data", metavar="BASE64", help="the same, as kubeconfigs hold them")


def _with_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--server", metavar="URL", help="of which login (default: the one begun last)")
    _with_client(parser)


def _spoken(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """The command, its errors in words instead of a traceback."""

    def run(arguments: argparse.Namespace) -> int:
        from genet.client.errors import ClientError

        try:
            return command(arguments)
        except ClientError as error:
            return complain(error, 1)
        except OSError as error:
            return complain(f"{error.filename or 'this machine'}: {error.strerror or error}", 1)
        except KeyboardInterrupt:
            return complain("interrupted", _INTERRUPTED)
        except EOFError:
            return complain("nothing was given", 1)

    return run


def _login(arguments: argparse.Namespace) -> int:
    return _keep_token(arguments) if arguments.with_token else _log_in(arguments)


def _log_in(arguments: argparse.Namespace) -> int:
    import time

    from genet.client import login
    from genet.client.addresses import server_url
    from genet.client.calls import Calls
    from genet.client.errors import ClientError, printable
    from genet.client.provider import discover

    store, ca_data = _store(), authorities(arguments)
    way = login.Way(
        open_url=login.no_browser if arguments.no_browser else login.open_browser,
        by_device=arguments.device,
        limit_seconds=arguments.time_limit,
        terminal=_terminal(),
    )
    with Calls(ca_data) as calls:
        provider = discover(server_url(arguments.server), calls, arguments.client_id, as_typed=True)
        with store.locked(provider.metadata.issuer, arguments.client_id):
            before = store.read(provider.metadata.issuer, arguments.client_id)
            found = login.log_in(provider, arguments.client_id, ca_data, way, clock=time.time)
            store.keep(found)
        if before is not None and before.refresh_token is not None:
            # nobody could end it any more, as it is forgotten here; if this fails it ends unused by itself
            with suppress(ClientError):
                provider.revoke(before.refresh_token, "refresh_token")
    print(f"You are {printable(found.subject)} at {found.issuer}.")
    print("For kubectl: genet kubeconfig")
    return 0


def _keep_token(arguments: argparse.Namespace) -> int:
    """Asked of the server before it is kept, so that a wrong one is noticed now."""
    import getpass
    import time

    from genet.client.addresses import server_url
    from genet.client.api import Api
    from genet.client.calls import Calls
    from genet.client.endpoint import Endpoint, checked_token
    from genet.client.errors import printable
    from genet.client.store import ApiToken

    server, ca_data = server_url(arguments.server), authorities(arguments)
    read = getpass.getpass("API token: ") if sys.stdin.isatty() else sys.stdin.readline(_LONGEST_TOKEN)
    token = checked_token(read, "what was given")
    with Calls(ca_data) as calls:
        status = Api(Endpoint(server, token, ca_data), calls).get("/api/auth/status", dict[str, object])
    _store().keep_token(ApiToken(server, token, ca_data, int(time.time())))
    print(f"You are {printable(str(status.get('username')))} at {server}.")
    print("For your pods: genet pods list")
    return 0


def _credential(arguments: argparse.Namespace) -> int:
    import os

    from genet.client.addresses import safe_url
    from genet.client.credential import current, document, interactive

    is_there = interactive(os.environ.get("KUBERNETES_EXEC_INFO"))
    issuer = safe_url(arguments.issuer, "the issuer")
    login = current(issuer, arguments.client_id, _renewal(authorities(arguments), is_there=is_there))
    print(document(login))
    return 0


def _kubeconfig(arguments: argparse.Namespace) -> int:
    import os
    import shlex

    from genet.client import kubeconfig
    from genet.client.calls import Calls

    login = _current(arguments, for_server=True)
    with Calls(login.ca_data) as calls:
        text = kubeconfig.fetch(login, calls)
    if arguments.output == "-":
        print(text, end="")
        return 0
    if arguments.merge:
        file = kubeconfig.default_file(os.environ, Path.home())
        kubeconfig.merge(text, file)
        print(f"Merged into {file}; its context is the current one now.")
        return 0
    file = Path(arguments.output) if arguments.output else kubeconfig.own_file(login, Path.home())
    kubeconfig.write(text, file)
    print(f"Written. To use it in this shell:\n  export KUBECONFIG={shlex.quote(str(file.absolute()))}")
    return 0


def _whoami(arguments: argparse.Namespace) -> int:
    from genet.client.errors import printable
    from genet.client.identity import claims_of

    login = _current(arguments)
    claims = claims_of(login.id_token)
    print(printable(login.subject))
    for name, title in (("email", "mail"), ("groups", "groups")):
        value = claims.get(name)
        if value:
            print(f"{title}: {printable(', '.join(map(str, value)) if isinstance(value, list) else str(value))}")
    print(f"server: {login.issuer}")
    return 0


def _logout(arguments: argparse.Namespace) -> int:
    from genet.client.calls import Calls
    from genet.client.errors import ClientError
    from genet.client.provider import discover

    store = _store()
    kept = _kept(store, arguments)
    login = _known(store, arguments)
    if kept is not None and (login is None or login.issuer.rstrip("/") == kept.server):
        store.forget_token(kept.server)
        print(f"The API token for {kept.server} is forgotten here; your account page there is where to revoke it.")
        if login is None:
            return 0
    login = _found(store, arguments)
    refusal: ClientError | None = None
    with store.locked(login.issuer, login.client_id):
        # whoever waited for the lock before us may have renewed it
        login = store.read(login.issuer, login.client_id) or login
        try:
            with Calls(login.ca_data) as calls:
                provider = discover(login.issuer, calls, login.client_id)
                token = login.refresh_token or login.access_token
                is_over = provider.revoke(token, "refresh_token" if login.refresh_token else "access_token")
        except ClientError as error:
            is_over, refusal = False, error
        store.forget(login.issuer, login.client_id)
    if refusal is not None:
        return complain(f"removed here, but the server could not be told; end it there as well\n{refusal}", 1)
    print(f"Logged out of {login.issuer}{'' if is_over else ' here; the server offers no way to end it there'}.")
    return 0


def _current(arguments: argparse.Namespace, *, for_server: bool = False) -> "Login":
    from genet.client.credential import current

    login = _found(_store(), arguments)
    renewal = _renewal(login.ca_data, is_there=sys.stdin.isatty())
    return current(login.issuer, login.client_id, renewal, for_server=for_server)


def _known(store: "Store", arguments: argparse.Namespace) -> "Login | None":
    from genet.client.addresses import server_url

    if arguments.server is None:
        return store.latest()
    url = server_url(arguments.server)
    return store.read(url, arguments.client_id) or store.read(f"{url}/", arguments.client_id)


def _kept(store: "Store", arguments: argparse.Namespace) -> "ApiToken | None":
    from genet.client.addresses import server_url

    return store.latest_token() if arguments.server is None else store.read_token(server_url(arguments.server))


def _found(store: "Store", arguments: argparse.Namespace) -> "Login":
    from genet.client.errors import LoginNeeded

    found = _known(store, arguments)
    if found is None:
        kept = _kept(store, arguments)
        but = f"; the API token for {kept.server} is for `genet pods` alone" if kept is not None else ""
        raise LoginNeeded(f"you are not logged in{but}", hint=f"Log in: genet login {arguments.server or 'SERVER'}")
    return found


def _renewal(ca_data: str | None, *, is_there: bool) -> "Renewal":
    from genet.client.credential import Renewal

    return Renewal(_store(), ca_data, _way if is_there else None)


def _way() -> "Way":
    from genet.client.login import Way

    return Way(terminal=_terminal())


def _terminal() -> int | None:
    return sys.stdin.fileno() if sys.stdin.isatty() else None


def _store() -> "Store":
    import os

    from genet.client.store import Store, default_directory

    return Store(default_directory(os.environ))
