"""Processes of a container as Genet starts, finds and ends them: scripts for its shell, and what they print. Pure.

Whatever a person gives reaches a script as its arguments, never as its text. Each start has a cookie, 128 random bits:
`$0` of its shell, so that the shell's own complaints are told from the command's, and a variable of what it starts, by
which its offspring are found however far they went. A session and descent find those that threw the variable away.

Traps: PIDs come again, in another life of the container very soon. So a session counts only if its first process began
when the shell said it did, or, when that is gone, if one of its members has the cookie.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

_SAY: Final = 'read -r GENET_STAT 2>/dev/null </proc/$$/stat; echo "$0 $$ $GENET_STAT"'
_START: Final = f'export GENET_EXEC="$0"; {_SAY} >&2; exec "$@"'
_TERMINAL: Final = (
    'export GENET_EXEC="$0" TERM=xterm-256color; '
    'if [ -z "$LANG$LC_ALL" ]; then export LANG=C.UTF-8; fi; '
    f"{_SAY}; if command -v bash >/dev/null 2>&1; then exec bash -l; else exec sh -l; fi"
)
# the cookie comes in halves: whole, it would find the shell that looks for it; grep itself is not in the first list
_LIST: Final = (
    'cat /proc/[0-9]*/stat 2>/dev/null; grep -l "$1$2" /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; true'
)
_KILL: Final = 'kill -s KILL "$@" 2>/dev/null; true'
_HANG_UP: Final = 'kill -s HUP "$@" 2>/dev/null; kill -s CONT "$@" 2>/dev/null; true'
"""What is stopped hears nothing before it is told to go on."""

_SIGHUP: Final = 1
_DEAD: Final = frozenset("ZXx")
_STAT = re.compile(r"([0-9]{1,9}) \(.*\) (\S) ([-0-9 ]+)", re.DOTALL)
_BEARER = re.compile(r"/proc/([0-9]{1,9})/(?:environ|cmdline)")
_PID = re.compile(r"[0-9]{1,9}")
# places in /proc/PID/stat behind the state: proc_pid_stat(5) counts them from 4
_PARENT, _SESSION, _BEGAN, _IGNORED = 0, 2, 18, 29


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    session: int
    began: int
    """In clock ticks since the node's start."""
    is_dead: bool
    """A zombie: nothing is left of it but its number."""
    ignores_hangup: bool
    """As what was started with nohup."""


@dataclass(frozen=True)
class Started:
    """What a shell said of itself before it became what it was to start."""

    pid: int
    began: int | None
    """None: there is no /proc."""


@dataclass(frozen=True)
class Table:
    """The processes of a container at one moment."""

    processes: tuple[Process, ...]
    bearers: frozenset[int]
    """PIDs of those that have the cookie."""


def start(cookie: str, command: Sequence[str]) -> list[str]:
    """What runs `command` and says first, on standard error, who it is."""
    return ["sh", "-c", _START, cookie, *command]


def terminal(cookie: str) -> list[str]:
    """What becomes a login shell and says first, on its terminal, who it is."""
    return ["sh", "-c", _TERMINAL, cookie]


def listing(cookie: str) -> list[str]:
    half = len(cookie) // 2
    return ["sh", "-c", _LIST, "sh", cookie[:half], cookie[half:]]


def kill(pids: Collection[int]) -> list[str]:
    return ["sh", "-c", _KILL, "sh", *map(str, sorted(pids))]


def hang_up(pids: Collection[int]) -> list[str]:
    """What the kernel does to a terminal's processes when its window is closed."""
    return ["sh", "-c", _HANG_UP, "sh", *map(str, sorted(pids))]


def read_start(line: bytes, cookie: str) -> Started | None:
    """The first line of what `start` or `terminal` ran; None: it is something else."""
    said, _, rest = line.decode(errors="replace").strip().partition(" ")
    pid, _, stat = rest.partition(" ")
    if said != cookie or not _PID.fullmatch(pid):
        return None
    process = _process(stat)
    return Started(int(pid), process.began if process else None)


def read_table(output: bytes) -> Table:
    """What `listing` printed; lines that are cut or of no known form are left out."""
    lines = output.decode(errors="replace").splitlines()
    found = tuple(process for process in map(_process, lines) if process)
    return Table(found, frozenset(int(line[1]) for line in map(_BEARER.fullmatch, lines) if line))


def family(table: Table, started: Started | None) -> frozenset[int]:
    """PIDs of a command and all that came of it, that are alive. None: it never said who it is."""
    return _alive(table, _with_descendants(table, table.bearers | (_members(table, started) if started else set())))


def terminals(table: Table, started: Started) -> frozenset[int]:
    """PIDs of a terminal's session that are alive. What left it on purpose (tmux and its like) is not of it."""
    return _alive(table, _members(table, started))


def remaining(table: Table, started: Started) -> frozenset[int]:
    """Those of a terminal's session that hear no hang-up and are not meant to outlive it: nohup's are."""
    meant = {process.pid for process in table.processes if process.ignores_hangup and process.pid != started.pid}
    return terminals(table, started) - meant


def _members(table: Table, started: Started) -> set[int]:
    found = {process.pid for process in table.processes if started.pid in (process.pid, process.session)}
    first = next((process for process in table.processes if process.pid == started.pid), None)
    is_ours = bool(found & table.bearers) if first is None else started.began in (None, first.began)
    return found if is_ours else set()


def _with_descendants(table: Table, pids: Collection[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for process in table.processes:
        children.setdefault(process.parent, []).append(process.pid)
    found, new = set(pids), list(pids)
    while new:
        born = [pid for pid in children.get(new.pop(), ()) if pid not in found]
        found.update(born)
        new += born
    return found


def _alive(table: Table, pids: Collection[int]) -> frozenset[int]:
    """Never the container's first process, whose end would be the container's."""
    return frozenset(p.pid for p in table.processes if p.pid in pids and not p.is_dead and p.pid != 1)


def _process(line: str) -> Process | None:
    stat = _STAT.fullmatch(line.strip())
    words = stat[3].split() if stat else []
    if stat is None or len(words) <= _IGNORED:
        return None
    try:
        parent, session, began, ignored = (int(words[place]) for place in (_PARENT, _SESSION, _BEGAN, _IGNORED))
    except ValueError:  # a dash alone, or more digits than any number has
        return None
    return Process(
        pid=int(stat[1]),
        parent=parent,
        session=session,
        began=began,
        is_dead=stat[2] in _DEAD,
        ignores_hangup=bool(ignored >> (_SIGHUP - 1) & 1),
    )
