"""Runs one program and ensures that neither it nor anything that it started outlives its owner.

Started by path with a bare interpreter (no site packages), so it costs a few milliseconds and imports nothing of
this project: `python -I -S guardian.py CONTROL_FD USER NICENESS SUCCESSOR PROGRAM ARGUMENT…`.

CONTROL_FD is one end of a socket pair. The guardian writes `pid N` once and `exit N` when the program has ended
(negative: the signal that ended it). Each byte that it reads is a signal number to pass on to the program. End of
file means that the owner is gone, however it died: the program and all its descendants are killed. They are also
killed when the program ends by itself, so that a restarted part never runs beside what the last one left behind.

A program can leave a successor: a child that goes by the name SUCCESSOR (PR_SET_NAME; empty: none). When the program
is killed, and was not told to stop, its successor, whose parent the guardian then is, goes on as the program: all else
that the dead one left behind is killed, the successor gets SIGUSR1 as the word to go on, the guardian writes `pid N`
again. A SIGKILL that is passed on is no word to stop.
"""

import ctypes
import os
import pwd
import select
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def _drop_privileges(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _lower(niceness: int) -> None:
    """Lower this process and its session. With autogroups (sched(7)) niceness counts within a session only."""
    os.nice(niceness)
    if niceness > 0:
        try:
            with open("/proc/self/autogroup", "w") as file:  # noqa: PTH123 - no pathlib in this small interpreter
                file.write(str(niceness))
        except OSError:
            return  # a kernel without autogroups: niceness counts everywhere


def _start(user: str, niceness: int, command: list[str]) -> int:
    """Fork and execute the program; it dies with the guardian even if the guardian itself is killed."""
    guardian = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        for number in (signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        _lower(niceness)
        if user:
            _drop_privileges(user)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of user, which would clear it
        if os.getppid() != guardian:
            os._exit(1)
        os.execvp(command[0], command)  # noqa: S606 - a shell is what we do not want
    except OSError as error:
        print(f"cannot start {command[0]}: {error}", file=sys.stderr, flush=True)
    os._exit(127)


def _processes() -> dict[int, tuple[str, str, int]]:
    """Name, state and parent of every process, by pid."""
    found: dict[int, tuple[str, str, int]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - no pathlib in this small interpreter
        try:
            with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123
                name, _, rest = stat.read().decode(errors="replace").partition("(")[2].rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        state, parent = rest.split()[:2]
        found[int(pid)] = (name, state, int(parent))
    return found


def _descendants(but: int = 0) -> list[int]:
    """All processes below this one, without one of them and what is below that."""
    parents = {pid: parent for pid, (_, _, parent) in _processes().items() if pid != but}
    descendants = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in descendants} - descendants
        if not more:
            return sorted(descendants - {os.getpid()})
        descendants |= more


def _successor(name: str) -> int:
    """The child of ours, by inheritance, that goes by this name; 0 if none does."""
    living = ((pid, known_as, parent) for pid, (known_as, state, parent) in _processes().items() if state != "Z")
    return next((pid for pid, known_as, parent in living if name and (known_as, parent) == (name, os.getpid())), 0)


def _kill_all_but(successor: int) -> None:
    """Kill until nothing but the successor is left; its end, should it come meanwhile, is left to `_reap`."""
    while others := _descendants(successor):
        for pid in others:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                continue  # it is not ours yet, but will be when its parent has ended


def _kill_descendants() -> None:
    """Kill until nothing is left. Orphans come to us (subreaper), so that no double fork escapes."""
    while True:
        for pid in _descendants():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _reap(program: int) -> int | None:
    """Collect what has ended; the program's exit code if it was among it."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == program:
            code = os.waitstatus_to_exitcode(status)


def _pass_on(control: int, program: int) -> bytes:
    """Pass signals from the owner on to the program; none when the owner is gone."""
    try:
        numbers = os.read(control, 64)
    except ConnectionResetError:
        return b""
    for number in numbers:
        os.kill(program, number)
    return numbers


def _guard(control: int, wakeup: int, program: int, successor_name: str) -> int | None:
    """Wait for the end of the program, without a successor, or of the owner; the exit code in the first case."""
    told = False
    while True:
        readable, _, _ = select.select([control, wakeup], [], [])
        if wakeup in readable:
            os.read(wakeup, 4096)
            code = _reap(program)
            if code is not None:
                successor = _successor(successor_name) if code < 0 and not told else 0
                if not successor:
                    return code
                _kill_all_but(successor)
                program = successor
                os.kill(program, signal.SIGUSR1)
                _tell(control, f"pid {program}\n")
        if control in readable:
            passed_on = _pass_on(control, program)
            if not passed_on:
                return None
            told = told or any(number != signal.SIGKILL for number in passed_on)


def _tell(control: int, line: str) -> None:
    try:
        os.write(control, line.encode())
    except (BrokenPipeError, ConnectionResetError):
        return  # nobody is left to report to


def main(arguments: list[str]) -> None:
    """Run the program named by the arguments until it or the owner ends."""
    control, user, niceness, successor_name = int(arguments[0]), arguments[1], int(arguments[2]), arguments[3]
    os.set_inheritable(control, False)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    wakeup, wakeup_writer = os.pipe()
    os.set_blocking(wakeup_writer, False)
    signal.set_wakeup_fd(wakeup_writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    program = _start(user, niceness, arguments[4:])
    _tell(control, f"pid {program}\n")
    code = _guard(control, wakeup, program, successor_name)
    _kill_descendants()
    if code is not None:
        _tell(control, f"exit {code}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
