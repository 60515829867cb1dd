"""What is said to the person: on stderr, since stdout belongs to kubectl and to pipes."""

import sys


def tell(*lines: str) -> None:
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()
