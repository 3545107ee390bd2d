"""What is set up for GitHub and pre-commit calls what there is, and works."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from jupyter_auth import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
SUITES = re.search(r"^SUITES := (.*)$", MAKEFILE, re.MULTILINE)[1].split()
TARGETS = {*SUITES, *re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE)}
MANIFESTS = {"pip": "pyproject.toml", "npm": "package.json", "github-actions": ".github/workflows"}


def read(name: str):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


WORKFLOWS = sorted(path.name for path in (ROOT / ".github/workflows").iterdir())
HOOKS = read(".pre-commit-config.yaml")["repos"][0]["hooks"]
FORMS = sorted({path.name for path in (ROOT / ".github/ISSUE_TEMPLATE").iterdir()} - {"config.yml"})


def test_the_package_has_the_version_of_the_project():
    assert __version__ == PROJECT["version"]


def steps_of(workflow: str):
    for job in read(f".github/workflows/{workflow}")["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_what_a_workflow_runs_is_there(workflow):
    for step in steps_of(workflow):
        place = ROOT / step.get("working-directory", "")
        assert place.is_dir()
        words = shlex.split(step.get("run", ""), comments=True)
        for before, word in zip(["", *words], words, strict=False):
            if before == "make":
                assert word in TARGETS
            if re.fullmatch(r"\.?[a-z][\w.-]*(/[\w.-]+)+|[\w-]+\.(txt|toml|json)", word):
                assert (place / word).exists(), word


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_each_action_has_a_version(workflow):
    used = [step["uses"] for step in steps_of(workflow) if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v1)", action)


def test_the_pythons_that_are_tested_are_those_that_are_promised():
    tested = read(".github/workflows/test.yml")["jobs"]["linux"]["strategy"]["matrix"]["python"]
    said = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert said == tested
    assert PROJECT["requires-python"] == f">={tested[0]}"


def test_only_the_publishing_job_may_speak_for_the_package():
    release = read(".github/workflows/release.yml")
    assert release["permissions"] == {"contents": "read"}
    assert "permissions" not in release["jobs"]["build"]
    assert release["jobs"]["publish"]["environment"] == "pypi"
    assert release["jobs"]["publish"]["permissions"] == {"id-token": "write"}


def test_dependabot_looks_where_dependencies_are_named():
    updates = read(".github/dependabot.yml")["updates"]
    for each in updates:
        assert (
            ROOT / each["directory"].lstrip("/") / MANIFESTS[each["package-ecosystem"]]
        ).exists()
    assert {each["package-ecosystem"] for each in updates} == set(MANIFESTS)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_for_issues_has_what_github_asks_for(form):
    asked = read(f".github/ISSUE_TEMPLATE/{form}")
    assert asked["name"]
    assert asked["description"]
    names = [each["id"] for each in asked["body"] if each["type"] != "markdown"]
    assert len(names) == len(set(names)) > 0
    for each in asked["body"]:
        assert each["attributes"]["value" if each["type"] == "markdown" else "label"]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_each_hook_of_pre_commit_runs_and_is_part_of_make_lint(hook):
    command = hook["entry"].removeprefix(".venv/bin/")
    assert hook["language"] == "system"
    assert f"\t{command}\n" in MAKEFILE or hook["id"] == "prettier"
    done = subprocess.run(
        shlex.split(hook["entry"]),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
