"""Seconds from ``pip install`` to the first answer of the demo's API, in an empty environment.

``python -m bench.first_answer [REVISION ...]`` measures the wheel of each revision, in turns, and
prints the shortest of three. pip's cache is warm from the second turn on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
TURNS = 3
ANSWER = "ada@demo.example"


def wheel_of(revision: str, place: Path) -> Path:
    tree, out = place / "tree", place / "dist"
    subprocess.run(["git", "worktree", "add", "--detach", tree, revision], cwd=ROOT, check=True)
    try:
        modules = tree / "labextension" / "node_modules"
        modules.symlink_to(ROOT / "labextension" / "node_modules")
        subprocess.run(["npm", "run", "build"], cwd=modules.parent, check=True)
        build = [sys.executable, "-m", "build", "--wheel", "--outdir", out, tree]
        subprocess.run(build, check=True)
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)
    [built] = out.glob("*.whl")
    return built


def seconds(wheel: Path) -> tuple[float, float]:
    """Those of ``pip install``, and those until the answer after it."""
    with tempfile.TemporaryDirectory() as home:
        venv.create(home, with_pip=True)
        programs = Path(home, "bin")
        began = time.monotonic()
        subprocess.run([programs / "pip", "install", "--quiet", f"{wheel}[demo]"], check=True)
        installed = time.monotonic()
        command = [programs / "jupyter", "auth", "demo", "--check"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
            if not any(ANSWER in line for line in demo.stdout or ()):
                sys.exit("The demo's API did not answer.")
            answered = time.monotonic()
            demo.communicate()
        return installed - began, answered - installed


def main(revisions: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        wheels = {each: wheel_of(each, Path(place, each)) for each in revisions}
        found: dict[str, list[tuple[float, float]]] = {each: [] for each in revisions}
        for _ in range(TURNS):
            for revision, wheel in wheels.items():
                found[revision].append(seconds(wheel))
    for revision, taken in found.items():
        install, answer = min(taken, key=sum)
        sys.stdout.write(f"{revision}: {install:.0f} s install + {answer:.0f} s to the answer\n")


if __name__ == "__main__":
    main(sys.argv[1:] or ["HEAD"])
