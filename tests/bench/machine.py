"""What a process costs, as Linux counts it: processor time in nanoseconds, waiting for a core, memory at its peak."""

import os
from pathlib import Path

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = {_CORES[0]}
"""The server has one core of its own, and so has its reader: the same one, as a container with one core would."""
OTHER_CORES = set(_CORES[1:]) or SERVER_CORES


def cpu_seconds(pid: int) -> float:
    """Taken by all threads so far."""
    return sum(_scheduled(task)[0] for task in Path(f"/proc/{pid}/task").iterdir())


def waited_seconds(thread: int) -> float:
    """How long a thread of this process could have run so far but had no core."""
    return _scheduled(Path(f"/proc/self/task/{thread}"))[1]


def peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in status.splitlines() if line.startswith("VmHWM"))


def child_of(pid: int) -> int | None:
    """The only child of a process: a server's reader."""
    for found in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = found.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue  # it has ended
        if int(parent) == pid:
            return int(found.parent.name)
    return None


def busy_elsewhere() -> tuple[float, float]:
    """Seconds of all cores that processes took, and that the machine's host kept for itself, since it began."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    hertz = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / hertz, steal / hertz


def _scheduled(task: Path) -> tuple[float, float]:
    """Seconds on a core, and seconds of waiting for one."""
    try:
        ran, waited, _ = (task / "schedstat").read_text().split()
    except OSError:
        return 0.0, 0.0  # it has ended
    return int(ran) / 1e9, int(waited) / 1e9
