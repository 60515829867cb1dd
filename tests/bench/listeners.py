"""Many stream clients that take whatever comes and look at none of it.

    python -m tests.bench.listeners PORT PATH CLIENTS

Prints a line when all have begun to receive, and ends when its standard input closes.
"""

import json
import select
import socket
import sys

_REQUEST = "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"
_BUFFER = bytearray(1 << 20)


def main(port: int, path: str, clients: int) -> None:
    poll = select.epoll()
    poll.register(sys.stdin, select.EPOLLIN | select.EPOLLHUP)
    silent: dict[int, socket.socket] = {}
    open_: dict[int, socket.socket] = {}
    for _ in range(clients):
        client = socket.create_connection(("127.0.0.1", port))
        poll.register(client, select.EPOLLIN)
        open_[client.fileno()] = silent[client.fileno()] = client
    for client in open_.values():
        client.sendall(_REQUEST.format(path).encode())  # all at one instant
    received = 0
    while True:
        for number, _ in poll.poll():
            if number == sys.stdin.fileno():
                return
            count = open_[number].recv_into(_BUFFER)
            if not count:
                raise ConnectionError("the server has hung up")
            received += count
            if silent.pop(number, None) and not silent:
                print(json.dumps({"clients": clients}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
