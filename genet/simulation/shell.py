"""A very small POSIX shell: what containers of the simulation run, and what `exec` runs in them.

It knows lists (`;`, `&`, `&&`, `||`), `if`, `while`, quotes, `$NAME`, `$?`, `$1`, `"$@"`, outputs sent to each other or
to /dev/null, and the programs below; no pipes, no functions, no files but those of /proc. Time comes from the `sleep`
handed in. What takes time is a process of its own, and may outlive the shell that began it.
"""
# ruff: noqa: SLF001 - a shell makes others of its own kind

import asyncio
import copy
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from genet.simulation.processes import SIGNALS, TERM, Process, Processes
from genet.simulation.shell_syntax import Command, If, ScriptError, Simple, Steps, While, parse
from genet.simulation.tty import Tty

Write = Callable[[bytes], Awaitable[None]]
Unknown = Callable[[Sequence[str]], Awaitable[int]]

_NOT_FOUND: Final = 127
_PIECE_BYTES: Final = 32 * 1024
_SHELLS: Final = frozenset({"sh", "bash"})
_BUILTINS: Final = frozenset({":", "command", "exec", "exit", "export", "read", "trap", "wait"})
_LASTING: Final = frozenset({"bash", "cat", "setsid", "sh", "sha256sum", "sleep", "tail"})
"""Programs that are processes of their own in a shell; the others are over before anybody could look."""
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
    processes: Processes
    has_shell: bool = True


class CannotStart(Exception):
    """There is no such program."""


class _Exit(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Shell:
    """One process in a container, whatever program it runs."""

    def __init__(
        self,
        machine: Machine,
        out: Write,
        err: Write,
        *,
        stdin: AsyncIterator[bytes] | None = None,
        tty: Tty | None = None,
        unknown: Unknown | None = None,
    ) -> None:
        """`unknown` runs the programs that this shell does not know; without it they are not found."""
        self._process = machine.processes.new((), machine.env, None, leads=True)
        self._env = dict(machine.env)
        self._exported = set(machine.env)
        self._args = ["sh"]
        self._tty = tty
        self._machine = machine
        self._out = out
        self._err = err
        self._stdin = stdin
        self._unknown = unknown
        self._status = 0
        self._background: list[Process] = []

    @property
    def ignores_term(self) -> bool:
        return TERM in self._process.ignores

    async def run(self, argv: Sequence[str]) -> int:
        """Runs a command to its end and returns its exit code, whoever stops waiting.

        Raises:
            OutOfMemory: it took too much.
            CannotStart: there is no such program.
        """
        if self._unknown is None and not self._knows(argv[0]):
            self._machine.processes.ended(self._process)
            raise CannotStart(argv[0])
        self._process.argv = list(argv)
        self._process.start(self._become(argv))
        return await self._process.wait()

    def _knows(self, program: str) -> bool:
        name = program.rpartition("/")[2]
        return name in _PROGRAMS and name not in _BUILTINS and (self._machine.has_shell or name not in _SHELLS)

    async def _become(self, argv: Sequence[str]) -> int:
        """This process is the program from now on."""
        self._process.argv = list(argv)
        self._process.env = {name: self._env[name] for name in self._env if name in self._exported}
        try:
            return await self._inline(argv)
        except _Exit as end:
            return end.code

    def _fork(self, argv: Sequence[str], *, leads: bool = False) -> "Shell":
        child = copy.copy(self)  # with its own outputs and last status
        child._env, child._exported, child._background = dict(self._env), set(self._exported), []
        child._process = self._machine.processes.new(argv, self._process.env, self._process, leads=leads)
        return child

    async def _wait_for(self, argv: Sequence[str], *, leads: bool = False) -> int:
        child = self._fork(argv, leads=leads)
        child._process.start(child._become(argv))
        if self._tty is not None:
            self._tty.foreground = child._process
        try:
            return await child._process.wait()
        finally:
            if self._tty is not None:
                self._tty.foreground = None

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
                subshell = self._fork(self._process.argv)
                subshell._process.start(subshell._in_background(command))
                self._background.append(subshell._process)
                self._status = 0
            elif not skip:
                await self._command(command)
            skip = {"&&": self._status != 0, "||": self._status == 0}.get(connector, False)

    async def _in_background(self, command: Command) -> int:
        self._tty = None
        try:
            if isinstance(command, Simple):
                self._status = await self._simple(command.words, forked=True)
            else:
                await self._command(command)
        except _Exit as end:
            return end.code
        return self._status

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

    async def _simple(self, words: Sequence[str], *, forked: bool = False) -> int:
        before, stdin = {"1": self._out, "2": self._err}, self._stdin
        outputs = before
        argv: list[str] = []
        for word in words:
            if redirect := _REDIRECT.fullmatch(word):
                source, target = redirect[1] or "1", redirect[2]
                outputs = {**outputs, source: outputs[target[1:]] if target[0] == "&" else _nowhere}
            elif word[0] == "<":
                self._stdin = _once(self._machine.processes.read(self._expand(word[1:])) or b"")
            else:
                argv += self._words(word)
        self._out, self._err = outputs["1"], outputs["2"]
        try:
            if not argv:
                return 0
            return await (self._become(argv) if forked else self._program(argv))
        finally:
            self._out, self._err = before["1"], before["2"]
            self._stdin = stdin

    def _words(self, word: str) -> list[str]:
        """What one word of a script becomes."""
        if word == '"$@"':
            return self._args[1:]
        if (files := self._machine.processes.matching(word)) is not None:
            return files
        text = self._expand(word)
        return [text] if text or word[0] in "'\"" else []

    def _expand(self, word: str) -> str:
        # A process id that is waited for needs no number: `wait` waits for all.
        variables = {**self._env, "?": str(self._status), "!": "2", "$": str(self._process.pid)}
        variables |= {str(place): arg for place, arg in enumerate(self._args)}
        text = ""
        for single, double, escaped, plain in _PIECE.findall(word):
            unescaped = re.sub(r"\\([\\\"$`])", r"\1", double)
            text += single + escaped
            text += _VARIABLE.sub(lambda name: variables.get(name[1] or name[2], ""), unescaped + plain)
        return text

    async def _program(self, argv: Sequence[str]) -> int:
        if argv[0].rpartition("/")[2] in _LASTING and self._unknown is None:
            return await self._wait_for(argv)
        return await self._inline(argv)

    async def _inline(self, argv: Sequence[str]) -> int:
        program = _PROGRAMS.get(argv[0].rpartition("/")[2])
        if program:
            return await program(self, argv[1:])
        if self._unknown:
            return await self._unknown(argv)
        await self._complain(f"{self._args[0]}: 1: {argv[0]}: not found")
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
            if name == "/etc/hostname":
                await self.hostname(())
            elif (content := self._machine.processes.read(name)) is not None:
                await self._out(content)
            else:
                return await self._complain(f"cat: {name}: No such file or directory")
        return 0

    async def command(self, args: Sequence[str]) -> int:
        return 0 if args[:1] == ["-v"] and args[1] in _PROGRAMS and args[1] != "bash" else 1

    async def exec_program(self, args: Sequence[str]) -> int:
        if not self._knows(args[0]):
            await self._complain(f"{self._args[0]}: 1: exec: {args[0]}: not found")
            raise _Exit(_NOT_FOUND)
        raise _Exit(await self._become(args))

    async def export(self, args: Sequence[str]) -> int:
        for name, is_set, value in (arg.partition("=") for arg in args):
            self._exported.add(name)
            if is_set:
                self._env[name] = value
        return 0

    async def grep(self, args: Sequence[str]) -> int:
        contents = ((name, self._machine.processes.read(name)) for name in args[2:])
        found = [name for name, content in contents if content and args[1].encode() in content]
        return await self._print("\n".join(found)) if found else 1

    async def head(self, args: Sequence[str]) -> int:
        if args[:1] != ["-c"] or list(args[2:]) != ["/dev/zero"]:
            return await self._complain("head: only -c N /dev/zero is simulated")
        for start in range(0, int(args[1]), _PIECE_BYTES):
            await self._out(bytes(min(_PIECE_BYTES, int(args[1]) - start)))
        return 0

    async def kill(self, args: Sequence[str]) -> int:
        number, pids = (SIGNALS[args[1]], args[2:]) if args[:1] == ["-s"] else (TERM, args)
        there = [self._machine.processes.kill(int(pid), number) for pid in pids]
        return 0 if all(there) else 1

    async def ps(self, _: Sequence[str]) -> int:
        return await self._print("\n".join(["COMMAND", *self._machine.processes.command_lines()]))

    async def read(self, args: Sequence[str]) -> int:
        async for line in _lines_of(self._stdin or _nothing()):
            self._env[args[-1]] = line
            return 0
        return 1

    async def setsid(self, args: Sequence[str]) -> int:
        return await self._wait_for(args, leads=True)

    async def sha256sum(self, _: Sequence[str]) -> int:
        digest = hashlib.sha256()
        if self._stdin:
            async for data in self._stdin:
                digest.update(data)
        return await self._print(f"{digest.hexdigest()}  -")

    async def stty(self, args: Sequence[str]) -> int:
        if self._tty is None:
            return await self._complain("stty: standard input: Not a tty")
        if args == ["size"]:
            return await self._print(f"{self._tty.screen.rows} {self._tty.screen.cols}")
        self._tty.echoes = "-echo" not in args
        return 0

    async def print_env(self, _: Sequence[str]) -> int:
        exported = ((name, value) for name, value in self._env.items() if name in self._exported)
        return await self._print("\n".join(f"{name}={value}" for name, value in exported))

    async def hostname(self, _: Sequence[str]) -> int:
        return await self._print(self._machine.hostname)

    async def sleep(self, args: Sequence[str]) -> int:
        seconds = "".join(args)
        if not re.fullmatch(r"infinity|[\d.]+s?", seconds):
            return await self._complain(f"sleep: invalid time interval '{seconds}'")
        await self._machine.sleep(FOREVER if seconds == "infinity" else float(seconds.rstrip("s")))
        return 0

    async def wait(self, _: Sequence[str]) -> int:
        await asyncio.gather(*(process.wait() for process in self._background))
        self._background.clear()
        return 0

    async def trap(self, args: Sequence[str]) -> int:
        for number in {SIGNALS[name] for name in args[1:] if name in SIGNALS}:
            (self._process.ignores.add if args[0] == "" else self._process.ignores.discard)(number)
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
        self._args = ["sh"]
        if args[:1] and args[0].startswith("-") and args[0].endswith("c") and args[1:]:
            self._args = [*args[2:]] or ["sh"]
            return await self._script(args[1])
        if self._tty is not None:
            return await self._interact(self._tty)
        status = 0
        async for line in _lines_of(self._stdin or _nothing()):
            status = await self._script(line)
        return status

    async def _interact(self, tty: Tty) -> int:
        await self._out(b"# ")
        async for line in tty:
            await self._script(line.decode(errors="replace").rstrip("\n"))
            await self._out(b"# ")
        return self._status


async def _nowhere(_: bytes) -> None:
    """Is /dev/null."""


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


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
_VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*|[?!$\d]))")
_PROGRAMS: Final[Mapping[str, Callable[[Shell, Sequence[str]], Awaitable[int]]]] = {
    ":": Shell.true_program,
    "[": Shell.test,
    "bash": Shell.sh,
    "cat": Shell.cat,
    "command": Shell.command,
    "echo": Shell.echo,
    "env": Shell.print_env,
    "exec": Shell.exec_program,
    "exit": Shell.exit_program,
    "export": Shell.export,
    "false": Shell.false_program,
    "grep": Shell.grep,
    "head": Shell.head,
    "hostname": Shell.hostname,
    "kill": Shell.kill,
    "nvidia-smi": Shell.nvidia_smi,
    "ps": Shell.ps,
    "read": Shell.read,
    "setsid": Shell.setsid,
    "sh": Shell.sh,
    "sha256sum": Shell.sha256sum,
    "sleep": Shell.sleep,
    "stty": Shell.stty,
    "tail": Shell.tail,
    "test": Shell.test,
    "trap": Shell.trap,
    "true": Shell.true_program,
    "wait": Shell.wait,
}
