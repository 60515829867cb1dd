"""Asks one server the same thing over some connections at once, as fast as it answers.

    python -m tests.bench.load PORT REQUEST CONNECTIONS SECONDS

Plain sockets and epoll: a client that parses costs more than the server it measures.
"""

import json
import select
import socket
import sys
import time
from dataclasses import dataclass

_BUFFER = bytearray(1 << 20)
_VIEW = memoryview(_BUFFER)


@dataclass
class Connection:
    socket: socket.socket
    left: int = 0
    """Bytes of the present answer's body that are still to come."""


def main(port: int, request: bytes, connections: int, seconds: float) -> dict[str, float]:
    poll = select.epoll()
    open_: dict[int, Connection] = {}
    for _ in range(connections):
        found = socket.create_connection(("127.0.0.1", port))
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        open_[found.fileno()] = Connection(found)
        poll.register(found, select.EPOLLIN)
        found.sendall(request)
    answers, received, status = 0, 0, b""
    began = time.monotonic()
    while time.monotonic() - began < seconds or not answers:
        for number, _ in poll.poll(1.0):
            connection = open_[number]
            count = connection.socket.recv_into(_BUFFER)
            if not count:
                raise ConnectionError("the server has hung up")
            received += count
            if connection.left:
                connection.left -= count
            else:
                status, connection.left = _head(count)
            if not connection.left:
                answers += 1
                connection.socket.sendall(request)
    took = time.monotonic() - began
    return {"answers": answers, "bytes": received / answers, "seconds": took, "status": int(status)}


def _head(count: int) -> tuple[bytes, int]:
    """The status, and how much of the body has not come yet. Heads are short, and come in one piece."""
    end = _BUFFER.find(b"\r\n\r\n", 0, count) + 4
    head = bytes(_VIEW[:end]).lower()
    _, found, rest = head.partition(b"content-length: ")
    length = int(rest.partition(b"\r\n")[0]) if found else 0
    return head[9:12], end + length - count


if __name__ == "__main__":
    port, request, connections, seconds = sys.argv[1:]
    said = main(int(port), request.encode() + b"\r\n", int(connections), float(seconds))
    print(json.dumps(said))
