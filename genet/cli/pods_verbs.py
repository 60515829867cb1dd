"""What the verbs of `genet pods` do. Each returns the exit code."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from genet.cli.common import authorities, complain
from genet.cli.pods_asking import (
    ASKED_WRONGLY,
    FAILED,
    INTERRUPTED,
    NO_SUCH_POD,
    NOT_ALLOWED,
    TOO_LONG,
    Asking,
    note,
    print_document,
)
from genet.cli.pods_commit import commit
from genet.client import asked, shown, starting
from genet.client.api import Api
from genet.client.calls import Calls
from genet.client.endpoint import endpoint
from genet.client.errors import ClientError, LoginNeeded, Refused
from genet.client.pods import Document, NoSuchPod, Pod, path_of
from genet.client.store import Store, default_directory

_LONGEST_REQUEST: Final = 1024 * 1024
_LONGEST_EXEC: Final = 3600


_OF_KIND: Final[dict[type[ClientError], int]] = {
    LoginNeeded: NOT_ALLOWED,
    NoSuchPod: NO_SUCH_POD,
    asked.Mistyped: ASKED_WRONGLY,
}
_OF_STATUS: Final[dict[int, int]] = {
    HTTPStatus.BAD_REQUEST: ASKED_WRONGLY,
    HTTPStatus.UNPROCESSABLE_ENTITY: ASKED_WRONGLY,
    HTTPStatus.UNAUTHORIZED: NOT_ALLOWED,
    HTTPStatus.FORBIDDEN: NOT_ALLOWED,
    HTTPStatus.NOT_FOUND: NO_SUCH_POD,
}


def run(verb: str, arguments: argparse.Namespace) -> int:
    """One verb; what goes wrong is said in words, and told by the exit code."""
    try:
        place = endpoint(
            os.environ,
            Store(default_directory(os.environ)),
            server=arguments.server,
            token_file=arguments.token_file,
            ca_data=authorities(arguments),
        )
        owner = {} if arguments.owner is None else {"owner": arguments.owner}
        with Calls(place.ca_data) as calls:
            return VERBS[verb](Asking(arguments, Api(place, calls, owner)))
    except ClientError as error:
        return complain(_words(error, verb), _code(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
        return FAILED
    except OSError as error:
        return complain(f"{error.filename or 'this machine'}: {error.strerror or error}", FAILED)
    except KeyboardInterrupt:
        return complain("interrupted", INTERRUPTED)


def show_list(asking: Asking) -> int:
    found, quota = asking.pods.known(everybody=asking.arguments.all)
    if asking.arguments.output == "name":
        print("".join(f"{shown.cell(pod.id)}\n" for pod in found), end="")
    elif asking.arguments.output:
        print_document([pod.document for pod in found], asking.arguments.output)
    else:
        head = ["NAME", "STATUS", "GPUS", "NODE", "AGE", "RESTARTS", "DELETED AT", "IMAGE"]
        rows = [_row(pod) for pod in found]
        if asking.arguments.all:
            head, rows = ["USER", *head], [[pod.user_identifier, *_row(pod)] for pod in found]
        print(shown.table(head, rows) if rows else "No pods.")
        print(f"\n{quota.pod_used} of {quota.pod_limit} pods, {quota.gpu_used} of {quota.gpu_limit} GPUs in use")
    return 0


def create(asking: Asking) -> int:
    given = asking.arguments
    limit = asked.seconds_of(given.timeout)
    typed = {
        "image": given.image, "gpuType": given.type, "gpuCount": given.gpus, "gpuDevices": given.card,
        "name": given.name, "cpu": given.cpu, "memory": given.memory, "nodeName": given.node, "shmSize": given.shm,
        "workingDir": given.workdir, "env": given.env, "command": given.command,
    }  # fmt: skip
    request = asked.pod_request(_request_file(given.file), typed)
    try:
        pod = asking.pods.create(request)
    except KeyboardInterrupt:
        return complain("interrupted; it may have been made all the same: genet pods list", INTERRUPTED)
    if given.no_wait:
        return _made(asking, pod)
    note(f"{shown.cell(pod.name)} is made; waiting until it runs (Ctrl-C leaves it)")
    return _made(asking, _waited(asking, pod, limit))


def describe(asking: Asking) -> int:
    pod = asking.pod()
    if asking.arguments.output == "name":
        print(shown.cell(pod.id))
        return 0
    described = asking.pods.describe(pod)
    if asking.arguments.output:
        print_document({"pod": pod.document, **described}, asking.arguments.output)
        return 0
    for title, value in _facts(pod):
        print(f"{title + ':':14}{shown.cell(value)}")
    for reason in starting.reasons(described):
        print(f"\n{shown.lines(reason)}")
    text = described.get("text")
    if isinstance(text, str) and text:
        print(f"\n{shown.lines(text)}")
    return 0


def logs(asking: Asking) -> int:
    given = asking.arguments
    pod = asking.pod()
    query: dict[str, str | int | None] = {
        "tailLines": given.tail,
        "sinceSeconds": None if given.since is None else asked.seconds_of(given.since),
        "container": given.container,
        "previous": "true" if given.previous else None,
    }
    to_terminal = sys.stdout.isatty()
    if given.follow:
        from genet.client.follow import follow

        for line in follow(asking.api, f"{path_of(pod)}/logs", {**query, "follow": "true"}, time.sleep):
            print(shown.output(line, to_terminal=to_terminal), flush=True)
        return 0
    found = asking.pods.logs(pod, query)
    if found.truncated:
        note("there is more: --tail LINES")
    _print_output(found.logs, sys.stdout)
    return 0


def execute(asking: Asking) -> int:
    given = asking.arguments
    if given.stdin or given.tty:
        return _enter(asking)
    if not given.command:
        raise asked.Mistyped("which command is not said", hint="genet pods exec POD -- COMMAND, or -it for a shell")
    seconds = asked.seconds_of(given.timeout)
    if seconds > _LONGEST_EXEC:
        raise asked.Mistyped("--timeout: an hour at most")
    done = asking.pods.execute(asking.pod(), given.command, seconds, given.container)
    _print_output(done.stdout, sys.stdout)
    sys.stdout.flush()
    _print_output(done.stderr, sys.stderr)
    if done.truncated:
        note("there was more output than is kept")
    if done.process_left:
        note("it could not be ended, and may still be running")
    if done.timed_out:
        return complain(f"it took longer than {given.timeout}", TOO_LONG)
    return FAILED if done.exit_code is None else done.exit_code


def ssh(asking: Asking) -> int:
    from genet.client import ssh as way

    pod = asking.pod()
    to = way.target(pod)
    known = _known_host(pod, way)
    more = asking.arguments.command
    words = way.arguments(to, known, more[1:] if more[:1] == ["--"] else more)
    try:
        os.execvp(words[0], words)  # noqa: S606 # no shell, and nothing of the server's but what was checked
    except FileNotFoundError:
        return complain("ssh is not there: install the OpenSSH client", FAILED)


def ssh_config(asking: Asking) -> int:
    from genet.client import ssh as way

    pod = asking.pod()
    known = _known_host(pod, way) if asking.arguments.write_known_host else None
    print(way.config(pod, way.target(pod), known))
    return 0


def extend(asking: Asking) -> int:
    request = asked.extension(" ".join(asking.arguments.time))
    pod = asking.pods.extend(asking.pod(), request)
    if asking.arguments.output:
        return _print_pod(pod, asking.arguments.output)
    kept = f"is kept until {shown.moment(pod.protected_until)}" if pod.protected_until else "is not kept"
    gone = f"; it is deleted at {shown.moment(pod.deletes_at)}" if pod.deletes_at else ""
    print(f"{shown.cell(pod.name)} {kept}{gone}")
    return 0


def restart(asking: Asking) -> int:
    limit = asked.seconds_of(asking.arguments.timeout)
    pod = asking.pod()
    if not _agreed(asking, f"Restart {shown.cell(pod.name)}?"):
        return complain("nothing was done", FAILED)
    pod = asking.pods.restart(pod)
    if asking.arguments.no_wait:
        print(f"{shown.cell(pod.name)} is made anew")
        return 0
    note(f"{shown.cell(pod.name)} is made anew; waiting until it runs (Ctrl-C leaves it)")
    pod = _waited(asking, pod, limit)
    print(f"{shown.cell(pod.name)} is {shown.cell(pod.status)} on {shown.cell(pod.node_name)}")
    return 0


def delete(asking: Asking) -> int:
    pod = asking.pod()
    if not _agreed(asking, f"Delete {shown.cell(pod.name)}?"):
        return complain("nothing was done", FAILED)
    asking.pods.delete(pod)
    print(f"{shown.cell(pod.name)} is deleted")
    return 0


def _enter(asking: Asking) -> int:
    given = asking.arguments
    if not (given.stdin and given.tty):
        raise asked.Mistyped("-i and -t go together")
    if given.command:
        raise asked.Mistyped("-it opens the pod's shell and takes no command", hint="Type it there, or leave -it out.")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise asked.Mistyped("-it needs a terminal")
    from genet.client.terminal_session import run as run_terminal

    return run_terminal(asking.api, f"{path_of(asking.pod())}/terminal", {"container": given.container})


def _waited(asking: Asking, pod: Pod, limit_seconds: float) -> Pod:
    progress = starting.Progress()
    try:
        return starting.wait(asking.pods, pod, progress.say, time, limit_seconds=limit_seconds)
    except KeyboardInterrupt:
        progress.end()
        name = shown.cell(pod.name)
        note(f"{name} stays; look: genet pods describe {name}, give it back: genet pods delete {name}")
        raise
    finally:
        progress.end()


def _made(asking: Asking, pod: Pod) -> int:
    if asking.arguments.output:
        return _print_pod(pod, asking.arguments.output)
    where = f" on {shown.cell(pod.node_name)}" if pod.node_name else ""
    print(f"{shown.cell(pod.name)} is {shown.cell(pod.status)}{where}")
    if pod.connection.ssh:
        print(f"  {shown.cell(pod.connection.ssh)}")
    if pod.deletes_at:
        print(f"  deleted at {shown.moment(pod.deletes_at)}, unless: genet pods extend {shown.cell(pod.name)} 8h")
    return 0


def _agreed(asking: Asking, question: str) -> bool:
    if asking.arguments.yes:
        return True
    kept = asking.pods.volumes()
    lost = f"Everything outside of {shown.cell(', '.join(kept))} is lost." if kept else "Everything in it is lost."
    if not sys.stdin.isatty():
        raise asked.Mistyped(f"{lost} Nobody is there to be asked: say --yes")
    sys.stderr.write(f"{lost}\n{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _row(pod: Pod) -> list[object]:
    gpus = f"{pod.gpu_count} {pod.gpu_type or ''}".strip() if pod.gpu_count else "0"
    age = shown.age(pod.created_at, datetime.now(UTC))
    return [pod.name, pod.status, gpus, pod.node_name, age, pod.restarts, shown.moment(pod.deletes_at), pod.image]


def _facts(pod: Pod) -> list[tuple[str, object]]:
    return [
        ("Name", pod.name),
        ("Id", pod.id),
        ("Status", f"{pod.status} ({pod.message})" if pod.message else pod.status),
        ("Image", pod.image),
        ("GPUs", f"{pod.gpu_count} {pod.gpu_type or ''}".strip()),
        ("Node", pod.node_name),
        ("Created", shown.moment(pod.created_at)),
        ("Kept until", shown.moment(pod.protected_until)),
        ("Deleted at", shown.moment(pod.deletes_at)),
        ("SSH", pod.connection.ssh),
    ]


def _known_host(pod: Pod, way: Any) -> Path | None:
    """A file with the host key that Genet knows of the pod, in the directory of logins; None: it knows none."""
    expected = way.fingerprints(pod.document)
    if not expected:
        return None
    to = way.target(pod)
    store = Store(default_directory(os.environ))
    return store.keep_known_host(pod.id, way.known_hosts(to, way.scan(to), expected))


def _print_pod(pod: Pod, output: str) -> int:
    if output == "name":
        print(shown.cell(pod.id))
    else:
        print_document(pod.document, output)
    return 0


def _print_output(text: str, stream: Any) -> None:
    stream.write(shown.output(text, to_terminal=stream.isatty()))
    if text and not text.endswith("\n") and stream.isatty():
        stream.write("\n")


def _request_file(name: str | None) -> Document:
    if name is None:
        return {}
    if name == "-":
        return asked.request_file(sys.stdin.buffer.read(_LONGEST_REQUEST), "stdin")
    with Path(name).open("rb") as file:
        return asked.request_file(file.read(_LONGEST_REQUEST), name)


def _words(error: ClientError, verb: str) -> str:
    if not isinstance(error, Refused):
        return str(error)
    said, _, _ = str(error).partition("\n")
    options = asked.OPTIONS_OF_COMMIT if verb == commit.__name__ else asked.OPTIONS
    return f"{said}\n{asked.refused(error.fields, options)}".rstrip("\n")


def _code(error: ClientError) -> int:
    if isinstance(error, Refused):
        return _OF_STATUS.get(error.status, FAILED)
    return next((code for kind, code in _OF_KIND.items() if isinstance(error, kind)), FAILED)


VERBS: Final[dict[str, Callable[[Asking], int]]] = {
    verb.__name__: verb
    for verb in (show_list, create, describe, logs, execute, ssh, ssh_config, extend, restart, commit, delete)
}
