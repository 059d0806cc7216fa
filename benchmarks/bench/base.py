"""Another commit of this repository, ready to be measured: a git worktree with an environment of its own.

Kept in `build/base/`, since its environment takes minutes to make; `git worktree remove build/base/COMMIT` takes it
away. What that commit's own benchmark measures is measured by it; what it lacks is measured from outside.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench.parts import Figures
from benchmarks.bench.system import own_program

ROOT = Path(__file__).resolve().parents[2]
_WORKTREES = ROOT / "build" / "base"
_LAST_LINES = 15


class BaseUnusableError(Exception):
    """The commit cannot be measured, and why."""


@dataclass(frozen=True)
class Side:
    """One of the two commits in a comparison: its code and the interpreter of its environment."""

    commit: str
    folder: Path
    python: Path

    @property
    def program(self) -> Path:
        """Its command line."""
        return self.python.with_name("receiptflow")

    def measure(self, part: str, *, quick: bool) -> Figures:
        """The figures of one part by the commit's own benchmark.

        Raises:
            BaseUnusableError: it did not measure that part.
        """
        with tempfile.TemporaryDirectory(prefix="receiptflow-bench-") as folder:
            out = Path(folder) / "figures.json"
            options = ["--only", part, "--json", str(out), *(["--quick"] if quick else [])]
            _run([str(self.python), "-m", "benchmarks.bench", *options], self.folder)
            figures: Figures = json.loads(out.read_text())
        return figures


def this_side() -> Side:
    """The code that is running, with what is not committed yet."""
    return Side(_revision("HEAD"), ROOT, own_program().with_name(Path(sys.executable).name))


def base_side(commit: str) -> Side:
    """The worktree of a commit with its environment, made at the first time.

    Raises:
        BaseUnusableError: there is no such commit, or its environment cannot be made.
    """
    revision = _revision(commit)
    folder = _WORKTREES / revision
    if not folder.exists():
        _run(["git", "worktree", "prune"], ROOT)
        _run(["git", "worktree", "add", "--detach", str(folder), revision], ROOT)
    _run(["make", "setup-dev", f"PYTHON={Path(sys.executable).resolve()}"], folder)
    return Side(revision, folder, folder / ".venv" / "bin" / "python")


def _revision(commit: str) -> str:
    return _run(["git", "rev-parse", "--short", "--verify", "--quiet", f"{commit}^{{commit}}"], ROOT).strip()


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join([*done.stdout.splitlines(), *done.stderr.splitlines()][-_LAST_LINES:])
        raise BaseUnusableError(f"`{' '.join(command)}` in {folder} ended with status {done.returncode}:\n{said}")
    return done.stdout
