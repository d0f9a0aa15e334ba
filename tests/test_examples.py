"""What a reader copies runs: the docstrings' examples, and the README's program in both halves."""

import contextlib
import doctest
import importlib
import io
import re
from pathlib import Path

import pytest

import textbook_code

ROOT = Path(__file__).parents[1]
PACKAGE = Path(textbook_code.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if not path.name.startswith("_") and path.parent.name != "experiments"
)


def star_import(module: str) -> dict:
    """The names that ``from module import *`` brings."""
    names = {}
    exec(f"from {module} import *", names)
    return names


@pytest.mark.parametrize("module", MODULES)
def test_examples_need_only_a_star_import(module):
    tests = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
    examples = [test for test in tests if test.examples]
    assert examples
    for test in examples:
        test.globs = star_import(module)
        report = io.StringIO()
        failed, _ = doctest.DocTestRunner(verbose=False).run(test, out=report.write)
        assert failed == 0, report.getvalue()


def program(readme: str) -> str:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / readme).read_text("utf-8"), re.S)
    return re.sub(r"  # .*", "", code)


def test_both_readmes_show_one_program():
    assert program("README.md") == program("README.ko.md")


@pytest.mark.parametrize("half", ["with_numpy", "with_jax"])
def test_the_readme_program_learns_in_both_halves(half):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program("README.md").replace("with_numpy", half), {})
    assert float(printed.getvalue()) > 0.95
