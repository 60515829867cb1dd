"""A very small POSIX shell: what containers of the simulation run, and what `exec` runs in them.

It knows lists (`;`, `&`, `&&`, `||`), `if`, `while`, quotes, `$NAME`, `$?`, outputs sent to each other or to /dev/null,
and the programs below; no pipes, no files, no functions. Time comes from the `sleep` handed in. Trap: a background
command is a task of its own, which must not outlive its shell.
"""

import asyncio
import copy
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from genet.simulation.shell_syntax import Command, If, ScriptError, Simple, Steps, While, parse

Write = Callable[[bytes], Awaitable[None]]

_NOT_FOUND: Final = 127
_SYNTAX_ERROR: Final = 2
FOREVER: Final = 10 * 365 * 86400.0


class OutOfMemory(Exception):
    """`tail /dev/zero` was run: the kernel kills the container."""

    exit_code: Final = 137


@dataclass(frozen=True, slots=True)
class Machine:
    """What a program can see of its container."""

    hostname: str
    env: Mapping[str, str]
    gpus: Sequence[str]
    """Lines of `nvidia-smi -L`."""
    sleep: Callable[[float], Awaitable[None]]


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
        self.ignores_term = False
        self._machine = machine
        self._out = out
        self._err = err
        self._stdin = stdin
        self._unknown = unknown
        self._status = 0
        self._background: list[asyncio.Task[None]] = []

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
            steps = parse(text)
        except ScriptError as error:
            await self._complain(f"sh: syntax error: {error}")
            return _SYNTAX_ERROR
        await self._steps(steps)
        return self._status

    async def _steps(self, steps: Steps) -> None:
        skip = False
        for command, connector in steps:
            if not skip and connector == "&":
                subshell = copy.copy(self)  # with its own outputs and last status
                self._background.append(asyncio.ensure_future(subshell._command(command)))  # noqa: SLF001 - its own copy
                self._status = 0
            elif not skip:
                await self._command(command)
            skip = {"&&": self._status != 0, "||": self._status == 0}.get(connector, False)

    async def _command(self, command: Command) -> None:
        match command:
            case Simple(words):
                self._status = await self._simple(words)
            case If(condition, body, otherwise):
                await self._steps(condition)
                chosen = otherwise if self._status else body
                self._status = 0
                await self._steps(chosen)
            case While(condition, body):
                await self._steps(condition)
                while not self._status:
                    await self._steps(body)
                    await self._machine.sleep(0.01)  # a loop of builtins must not hold the event loop
                    await self._steps(condition)
                self._status = 0

    async def _simple(self, words: Sequence[str]) -> int:
        before = outputs = {"1": self._out, "2": self._err}
        argv: list[str] = []
        for word in words:
            if redirect := _REDIRECT.fullmatch(word):
                source, target = redirect[1] or "1", redirect[2]
                outputs = {**outputs, source: outputs[target[1:]] if target[0] == "&" else _nowhere}
            elif (text := self._expand(word)) or word[0] in "'\"":
                argv.append(text)
        self._out, self._err = outputs["1"], outputs["2"]
        try:
            return await self._program(argv) if argv else 0
        finally:
            self._out, self._err = before["1"], before["2"]

    def _expand(self, word: str) -> str:
        # A process id that is waited for needs no number: `wait` waits for all.
        variables = {**self._machine.env, "?": str(self._status), "!": "2", "$": "1"}
        text = ""
        for single, double, escaped, plain in _PIECE.findall(word):
            unescaped = re.sub(r"\\([\\\"$`])", r"\1", double)
            text += single + escaped
            text += _VARIABLE.sub(lambda name: variables.get(name[1] or name[2], ""), unescaped + plain)
        return text

    async def _program(self, argv: Sequence[str]) -> int:
        program = _PROGRAMS.get(argv[0].rpartition("/")[2])
        if program:
            return await program(self, argv[1:])
        if self._unknown:
            return await self._unknown(argv)
        await self._complain(f"sh: 1: {argv[0]}: not found")
        return _NOT_FOUND

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
        return await self._print(" ".join(args))

    async def cat(self, args: Sequence[str]) -> int:
        if not args and self._stdin:
            async for data in self._stdin:
                await self._out(data)
        for name in args:
            if name != "/etc/hostname":
                return await self._complain(f"cat: {name}: No such file or directory")
            await self.hostname(())
        return 0

    async def print_env(self, _: Sequence[str]) -> int:
        return await self._print("\n".join(f"{name}={value}" for name, value in self._machine.env.items()))

    async def hostname(self, _: Sequence[str]) -> int:
        return await self._print(self._machine.hostname)

    async def sleep(self, args: Sequence[str]) -> int:
        seconds = "".join(args)
        if not re.fullmatch(r"infinity|[\d.]+s?", seconds):
            return await self._complain(f"sleep: invalid time interval '{seconds}'")
        await self._machine.sleep(FOREVER if seconds == "infinity" else float(seconds.rstrip("s")))
        return 0

    async def wait(self, _: Sequence[str]) -> int:
        await asyncio.gather(*self._background)
        self._background.clear()
        return 0

    async def trap(self, args: Sequence[str]) -> int:
        if "TERM" in args[1:]:
            self.ignores_term = args[0] == ""
        return 0

    async def test(self, args: Sequence[str]) -> int:
        match [text for text in args if text != "]"]:
            case ["-n", text] | [text]:
                return 0 if text else 1
            case ["-z", text]:
                return 1 if text else 0
            case ["-e" | "-f" | "-r", "/etc/hostname"]:
                return 0
            case [left, "=" | "!=" as sign, right]:
                return 0 if (left == right) is (sign == "=") else 1
        return 1

    async def tail(self, args: Sequence[str]) -> int:
        if args[-1:] == ["/dev/zero"]:
            raise OutOfMemory
        await self._machine.sleep(FOREVER)
        return 0

    async def nvidia_smi(self, args: Sequence[str]) -> int:
        if not self._machine.gpus:
            await self._complain("sh: 1: nvidia-smi: not found")
            return _NOT_FOUND
        if list(args) != ["-L"]:
            return await self._complain("nvidia-smi: only -L is simulated")
        return await self._print("\n".join(self._machine.gpus))

    async def sh(self, args: Sequence[str]) -> int:
        if args[:1] and args[0].startswith("-") and args[0].endswith("c") and args[1:]:
            return await self._script(args[1])
        status = 0
        async for line in _lines_of(self._stdin or _nothing()):
            status = await self._script(line)
        return status


async def _nowhere(_: bytes) -> None:
    """Is /dev/null."""


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _lines_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The lines in a stream of bytes; the last one need not be ended."""
    rest = b""
    async for data in chunks:
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    yield rest.decode(errors="replace")


_PIECE: Final = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|([^'"\\]+)""", re.DOTALL)
_REDIRECT: Final = re.compile(r"([12]?)>(&[12]|/dev/null)")
_VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*|[?!$]))")
_PROGRAMS: Final[Mapping[str, Callable[[Shell, Sequence[str]], Awaitable[int]]]] = {
    ":": Shell.true_program,
    "[": Shell.test,
    "bash": Shell.sh,
    "cat": Shell.cat,
    "echo": Shell.echo,
    "env": Shell.print_env,
    "exit": Shell.exit_program,
    "false": Shell.false_program,
    "hostname": Shell.hostname,
    "nvidia-smi": Shell.nvidia_smi,
    "sh": Shell.sh,
    "sleep": Shell.sleep,
    "tail": Shell.tail,
    "test": Shell.test,
    "trap": Shell.trap,
    "true": Shell.true_program,
    "wait": Shell.wait,
}
