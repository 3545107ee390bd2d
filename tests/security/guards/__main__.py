"""``make guards``: removes one guard at a time, and has its test fail then.

It is done in copies of the repository, which is also where the tests, and every server and kernel
that they start, import the package from. What has to fail is the test itself: a fixture that does,
a name that is nowhere, or a timeout prove nothing.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

from security.guards.listed import ROOT, Guard, guards

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 2
TEST_LIMIT = 300  # seconds: a Hub or a browser has to start first
LIMIT = 45 * 60  # seconds for all of it
INSTALLED = (".venv", "tests/providers/node_modules", "labextension/node_modules")
BROKEN = ("SyntaxError", "IndentationError", "NameError", "ImportError", "ModuleNotFoundError")

SEEN = "seen"
PASSED = "all tests passed"


class Result(NamedTuple):
    """What came of a run of tests: ``SEEN``, ``PASSED``, or what else happened; and its output."""

    verdict: str
    seconds: float
    output: str


class Copy:
    """A copy of the repository, with what is installed linked into it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, place / name)
        for name in INSTALLED:
            if (ROOT / name).exists():
                (place / name).symlink_to(ROOT / name)

    def without(self, guard: Guard) -> Result:
        """What its test says once the guard is gone."""
        file = self.place / guard.file
        source = file.read_text(encoding="utf-8")
        try:
            file.write_text(guard.removed_from(source), encoding="utf-8")
            return self.run(guard.test)
        except ValueError as error:
            return Result(str(error), 0.0, "")
        finally:
            file.write_text(source, encoding="utf-8")

    def run(self, *tests: str) -> Result:
        """What they say here."""
        report = self.place / "report.xml"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        command += [f"--timeout={TEST_LIMIT}", f"--junitxml={report}", *tests]
        # No bytecode: that of a file which is changed twice in a second would be the wrong one.
        environ = os.environ | {"PYTHONPATH": str(self.place), "PYTHONDONTWRITEBYTECODE": "1"}
        began = time.monotonic()
        with subprocess.Popen(
            command,
            cwd=self.place,
            env=environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=TEST_LIMIT * (1 + len(tests)))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
        verdict = _verdict(process.returncode, report)
        return Result(verdict, time.monotonic() - began, output)


def _verdict(status: int, report: Path) -> str:
    if status == 0:
        return PASSED
    if not report.exists():
        return f"pytest ended with {status}"
    failures = [each.get("message", "") for each in ET.parse(report).iter("failure")]  # noqa: S314
    if status != 1 or not failures:
        return "no test failed, but what surrounds it did"
    if failures[0].startswith("Failed: Timeout"):
        return "timed out"
    return failures[0][:200] if failures[0].startswith(BROKEN) else SEEN


class Trouble(NamedTuple):
    """What is not as it should be; ``promise`` is that of the guard, 0 where it is the tests."""

    promise: int
    sentence: str


def _go_through(listed: list[Guard], copies: queue.Queue[Copy], end: float) -> Iterator[Trouble]:
    """All troubles. Says how it goes on the way."""
    files = defaultdict(set)
    for guard in listed:
        files[guard.test.partition("::")[0]].add(guard.test)

    def passing(file: str) -> Trouble | None:
        with _one_of(copies) as copy:
            result = copy.run(*sorted(files[file]))
        _say(f"{result.seconds:5.1f} s  {result.verdict}: {file}")
        if result.verdict == PASSED:
            return None
        why = f"{file} does not pass with all guards in place:\n{result.output[-3000:]}"
        return Trouble(0, why)

    def removing(numbered: tuple[int, Guard]) -> Trouble | None:
        number, guard = numbered
        if time.monotonic() > end:
            return Trouble(guard.promise, f"not tried, out of time: {guard}")
        with _one_of(copies) as copy:
            result = copy.without(guard)
        _say(f"{number:3}/{len(listed)} {result.seconds:5.1f} s  {result.verdict}: {guard}")
        if result.verdict == SEEN:
            return None
        return Trouble(guard.promise, f"{result.verdict}: {guard}, {guard.test}")

    with ThreadPoolExecutor(WORKERS) as pool:
        yield from filter(None, pool.map(passing, sorted(files)))
        yield from filter(None, pool.map(removing, enumerate(listed, 1)))


class _one_of:  # noqa: N801 (a context manager)
    """A copy that no other thread has meanwhile."""

    def __init__(self, copies: queue.Queue[Copy]) -> None:
        self._copies = copies

    def __enter__(self) -> Copy:
        self._copy = self._copies.get()
        return self._copy

    def __exit__(self, *_: object) -> None:
        self._copies.put(self._copy)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(topics: list[str]) -> int:
    """0: each removal was seen by its test."""
    began = time.monotonic()
    listed = guards(*topics)
    with tempfile.TemporaryDirectory(prefix="guards-") as directory:
        Path(directory).chmod(0o755)  # PostgreSQL runs as another user than root
        copies: queue.Queue[Copy] = queue.Queue()
        for number in range(WORKERS):
            copies.put(Copy(Path(directory) / str(number)))
        troubles = list(_go_through(listed, copies, began + LIMIT))
    for each in troubles:
        _say(f"\n{each.sentence}")
    _say("\npromise  guards  their removal seen")
    unseen = Counter(each.promise for each in troubles)
    for promise, count in sorted(Counter(guard.promise for guard in listed).items()):
        _say(f"{promise:7}  {count:6}  {count - unseen[promise]:4}")
    minutes = (time.monotonic() - began) / 60
    _say(f"{len(listed)} guards, {len(troubles)} troubles, {minutes:.1f} minutes")
    return 1 if troubles or not listed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
