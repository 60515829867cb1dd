"""A very small POSIX shell: what containers of the simulation run, and what `exec` runs in them.

It knows lists (`;`, `&`, `&&`, `||`), `if`, `while`, `until`, `for`, quotes, `$NAME`, `$?`, output redirection and the
programs below; no pipes, no substitution, no functions. Time comes from the `sleep` handed in. Trap: a background
command is a task of its own, which must not outlive its shell.
"""

import asyncio
import copy
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from genet.simulation.shell_syntax import For, If, Loop, Node, ScriptError, Simple, Steps, Word, parse

Write = Callable[[bytes], Awaitable[None]]

NOT_FOUND: Final = 127
_SYNTAX_ERROR: Final = 2
_KILLED: Final = 137
FOREVER: Final = 10 * 365 * 86400.0


class OutOfMemory(Exception):
    """`tail /dev/zero` was run: the kernel kills the container (exit code 137)."""

    exit_code: Final = _KILLED


@dataclass(slots=True)
class Machine:
    """What a program can see of its container."""

    hostname: str
    env: dict[str, str]
    gpus: Sequence[str]
    """Lines of `nvidia-smi -L`."""
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    files: dict[str, str] = field(default_factory=dict)


class _Exit(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Shell:
    """One process (tree) in a container."""

    def __init__(
        self,
        machine: Machine,
        out: Write,
        err: Write,
        *,
        stdin: AsyncIterator[bytes] | None = None,
        unknown: Callable[[Sequence[str]], Awaitable[int]] | None = None,
    ) -> None:
        """`unknown` runs the programs that this shell does not know; without it they are not found."""
        self.traps: dict[str, str] = {}
        self._machine = machine
        self._env = dict(machine.env)
        self._out = out
        self._err = err
        self._stdin = stdin
        self._unknown = unknown
        self._status = 0
        self._background: list[asyncio.Task[int]] = []

    async def run(self, argv: Sequence[str]) -> int:
        """Runs a command to its end and returns its exit code; raises OutOfMemory."""
        try:
            return await self._program(argv)
        except _Exit as end:
            return end.code
        finally:
            for task in self._background:
                task.cancel()

    async def _script(self, text: str) -> int:
        try:
            script = parse(text)
        except ScriptError as error:
            await self._complain(f"sh: syntax error: {error}")
            return _SYNTAX_ERROR
        return await self._run(script)

    async def _run(self, node: Node) -> int:
        match node:
            case Simple():
                self._status = await self._simple(node)
            case Steps():
                await self._steps(node)
            case If():
                for condition, body in node.branches:
                    if not await self._run(condition):
                        return await self._run(body)
                self._status = 0
            case Loop():
                while bool(await self._run(node.condition)) is node.until:
                    await self._run(node.body)
                    await self._machine.sleep(0.01)  # a loop of builtins must not hold the event loop
                self._status = 0
            case For():
                for word in [text for item in node.words for text in self._expand(item)]:
                    self._env[node.name] = word
                    await self._run(node.body)
        return self._status

    async def _steps(self, node: Steps) -> None:
        skip = False
        for command, connector in node.steps:
            if not skip and connector == "&":
                subshell = copy.copy(self)  # with its own redirections and last status
                self._background.append(asyncio.ensure_future(subshell._run(command)))  # noqa: SLF001 - its own copy
                self._status = 0
            elif not skip:
                await self._run(command)
            skip = {"&&": self._status != 0, "||": self._status == 0}.get(connector, False)

    async def _simple(self, command: Simple) -> int:
        argv = [text for word in command.words for text in self._expand(word)]
        assignments = list(itertools.takewhile(_ASSIGNMENT.match, argv))
        argv = argv[len(assignments) :]
        if not argv:
            self._env |= dict(text.split("=", 1) for text in assignments)
            return 0
        out, err, env = self._out, self._err, self._env
        self._env = env | dict(text.split("=", 1) for text in assignments)
        try:
            for sign, word in command.redirects:
                target = "".join(self._expand(word))
                if sign in (">", ">>", "1>"):
                    self._out = self._err if target == "&2" else self._file(target, append=sign == ">>")
                else:
                    self._err = self._out if target == "&1" else self._file(target, append=False)
            return await self._program(argv)
        finally:
            self._out, self._err = out, err
            if assignments:
                self._env = env

    async def _program(self, argv: Sequence[str]) -> int:
        program = _PROGRAMS.get(argv[0].rpartition("/")[2])
        if program:
            return await program(self, argv[1:])
        if self._unknown:
            return await self._unknown(argv)
        await self._complain(f"sh: 1: {argv[0]}: not found")
        return NOT_FOUND

    def _expand(self, word: Word) -> list[str]:
        # A process id that is waited for needs no number: `wait` waits for all.
        special = {"?": str(self._status), "!": "2", "$": "1"}
        text = "".join(
            _VARIABLE.sub(lambda name: special.get(name[1] or name[2]) or self._env.get(name[1] or name[2], ""), piece)
            if expands
            else piece
            for piece, expands in word.pieces
        )
        return [text] if text or word.quoted else []

    def _file(self, name: str, *, append: bool) -> Write:
        if not append:
            self._machine.files[name] = ""

        async def write(data: bytes) -> None:
            if name != "/dev/null":
                self._machine.files[name] = self._machine.files.get(name, "") + data.decode()

        return write

    async def _print(self, text: str) -> int:
        await self._out(f"{text}\n".encode())
        return 0

    async def _complain(self, text: str) -> int:
        await self._err(f"{text}\n".encode())
        return 1

    async def true_program(self, _: Sequence[str]) -> int:
        return 0

    async def false_program(self, _: Sequence[str]) -> int:
        return 1

    async def exit_program(self, args: Sequence[str]) -> int:
        raise _Exit(int(args[0]) if args else self._status)

    async def echo(self, args: Sequence[str]) -> int:
        if args[:1] == ["-n"]:
            await self._out(" ".join(args[1:]).encode())
            return 0
        return await self._print(" ".join(args))

    async def cat(self, args: Sequence[str]) -> int:
        if not args and self._stdin:
            async for data in self._stdin:
                await self._out(data)
        for name in args:
            if name not in self._machine.files:
                return await self._complain(f"cat: {name}: No such file or directory")
            await self._out(self._machine.files[name].encode())
        return 0

    async def print_env(self, args: Sequence[str]) -> int:
        if args:
            return await self._print(self._env[args[0]]) if args[0] in self._env else 1
        return await self._print("\n".join(f"{name}={value}" for name, value in self._env.items()))

    async def hostname(self, _: Sequence[str]) -> int:
        return await self._print(self._machine.hostname)

    async def date(self, _: Sequence[str]) -> int:
        return await self._print(self._machine.clock().strftime("%a %b %e %H:%M:%S UTC %Y"))

    async def sleep(self, args: Sequence[str]) -> int:
        seconds = "".join(args) if args else ""
        if not re.fullmatch(r"infinity|[\d.]+s?", seconds):
            return await self._complain(f"sleep: invalid time interval '{seconds}'")
        await self._machine.sleep(FOREVER if seconds == "infinity" else float(seconds.rstrip("s")))
        return 0

    async def wait(self, _: Sequence[str]) -> int:
        await asyncio.gather(*self._background)
        self._background.clear()
        return 0

    async def trap(self, args: Sequence[str]) -> int:
        self.traps |= dict.fromkeys(args[1:], args[0] if args else "")
        return 0

    async def export(self, args: Sequence[str]) -> int:
        self._env |= dict(text.split("=", 1) for text in args if "=" in text)
        return 0

    async def test(self, args: Sequence[str]) -> int:
        match [text for text in args if text != "]"]:
            case ["-n", text] | [text]:
                return 0 if text else 1
            case ["-z", text]:
                return 1 if text else 0
            case ["-e" | "-f" | "-r", name]:
                return 0 if name in self._machine.files else 1
            case [left, "=" | "==" | "-eq", right]:
                return 0 if left == right else 1
            case [left, "!=" | "-ne", right]:
                return 0 if left != right else 1
            case _:
                return 1

    async def tail(self, args: Sequence[str]) -> int:
        if args and args[-1] == "/dev/zero":
            raise OutOfMemory
        if "-f" not in args:
            return await self.cat(args[-1:])
        await self._machine.sleep(FOREVER)
        return 0

    async def nvidia_smi(self, args: Sequence[str]) -> int:
        if not self._machine.gpus:
            await self._complain("sh: 1: nvidia-smi: not found")
            return NOT_FOUND
        if list(args) != ["-L"]:
            return await self._complain("nvidia-smi: only -L is simulated")
        return await self._print("\n".join(self._machine.gpus))

    async def sh(self, args: Sequence[str]) -> int:
        flags = [text for text in args if text.startswith("-")]
        if any("c" in flag for flag in flags) and len(args) > len(flags):
            return await self._script(args[len(flags)])
        status = 0
        if self._stdin:
            async for line in lines_of(self._stdin):
                status = await self._script(line)
        return status


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The lines in a stream of bytes; the last one need not be ended."""
    rest = b""
    async for data in chunks:
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*|[?!$]))")
_PROGRAMS: Final[Mapping[str, Callable[[Shell, Sequence[str]], Awaitable[int]]]] = {
    ":": Shell.true_program,
    "[": Shell.test,
    "bash": Shell.sh,
    "cat": Shell.cat,
    "date": Shell.date,
    "echo": Shell.echo,
    "env": Shell.print_env,
    "exit": Shell.exit_program,
    "export": Shell.export,
    "false": Shell.false_program,
    "hostname": Shell.hostname,
    "nvidia-smi": Shell.nvidia_smi,
    "printenv": Shell.print_env,
    "sh": Shell.sh,
    "sleep": Shell.sleep,
    "tail": Shell.tail,
    "test": Shell.test,
    "trap": Shell.trap,
    "true": Shell.true_program,
    "wait": Shell.wait,
}
