"""What stands in two places says the same in both, and the README's commands exist."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def test_one_version():
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == about["version"]


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_commands_of_the_readme_exist(name):
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    commands = set(re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE))
    named = set(re.findall(r"make ([a-z][a-z-]+)", (ROOT / name).read_text("utf-8")))
    assert {"html", "test", "doctest", "po", "po-check"} <= named <= commands


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_links_of_the_readme_lead_somewhere(name):
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text("utf-8"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_locks_name_no_registry():
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "--hash=sha256:" in lock and "://" not in lock
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text("utf-8")
