"""Runs one program and ensures that neither it nor anything that it started outlives its owner.

Started by path with a bare interpreter (no site packages), so it costs a few milliseconds and imports nothing of
this project: `python -I -S guardian.py CONTROL_FD USER NICENESS PROGRAM ARGUMENT…`.

CONTROL_FD is one end of a socket pair. The guardian writes `pid N` once and `exit N` when the program has ended
(negative: the signal that ended it). Each byte that it reads is a signal number to pass on to the program. End of
file means that the owner is gone, however it died: the program and all its descendants are killed. They are also
killed when the program ends by itself, so that a restarted part never runs beside what the last one left behind.
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


def _parents() -> dict[int, int]:
    """Parent of every process, by pid."""
    found: dict[int, int] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - no pathlib in this small interpreter
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123
                found[int(name)] = int(stat.read().rpartition(b")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    return found


def _descendants() -> list[int]:
    parents = _parents()
    descendants = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in descendants} - descendants
        if not more:
            return sorted(descendants - {os.getpid()})
        descendants |= more


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


def _pass_on(control: int, program: int) -> bool:
    """Pass signals from the owner on to the program; False when the owner is gone."""
    try:
        numbers = os.read(control, 64)
    except ConnectionResetError:
        return False
    for number in numbers:
        os.kill(program, number)
    return bool(numbers)


def _guard(control: int, wakeup: int, program: int) -> int | None:
    """Wait for the end of the program or of the owner; the exit code in the first case."""
    while True:
        readable, _, _ = select.select([control, wakeup], [], [])
        if wakeup in readable:
            os.read(wakeup, 4096)
            code = _reap(program)
            if code is not None:
                return code
        if control in readable and not _pass_on(control, program):
            return None


def _tell(control: int, line: str) -> None:
    try:
        os.write(control, line.encode())
    except (BrokenPipeError, ConnectionResetError):
        return  # nobody is left to report to


def main(arguments: list[str]) -> None:
    """Run the program named by the arguments until it or the owner ends."""
    control, user, niceness, command = int(arguments[0]), arguments[1], int(arguments[2]), arguments[3:]
    os.set_inheritable(control, False)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    wakeup, wakeup_writer = os.pipe()
    os.set_blocking(wakeup_writer, False)
    signal.set_wakeup_fd(wakeup_writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    program = _start(user, niceness, command)
    _tell(control, f"pid {program}\n")
    code = _guard(control, wakeup, program)
    _kill_descendants()
    if code is not None:
        _tell(control, f"exit {code}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
