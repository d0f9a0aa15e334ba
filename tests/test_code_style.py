"""How the code reads: short functions, and docstrings that say shape, error and example."""

import ast
import importlib
import inspect
import io
import re
import statistics
import tokenize
from pathlib import Path

import pytest
from numpydoc.docscrape import FunctionDoc
from numpydoc.validate import validate

import textbook_code
from textbook_code import check, data, experiments, tape

PACKAGE = Path(textbook_code.__file__).parent


def code_lines(source: str) -> dict[str, int]:
    """Lines of code of each function: without docstring, comments and blank lines."""
    skip = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in skip]
    lines = {line for t in tokens for line in range(t.start[0], t.end[0] + 1)}
    counts = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            text = node.body[0] if ast.get_docstring(node) else None
            doc = set(range(text.lineno, text.end_lineno + 1)) if text else set()
            counts[f"{node.name}:{node.lineno}"] = len(
                (lines - doc) & set(range(node.lineno, node.end_lineno + 1))
            )
    return counts


def length_faults(counts: dict[str, int]) -> list[str]:
    """What breaks the bar: median ≤ 8 lines of code, 90 % ≤ 20, none above 30."""
    sizes = sorted(counts.values())
    faults = [f"{name}: {n} lines of code, at most 30" for name, n in counts.items() if n > 30]
    if statistics.median(sizes) > 8:
        faults.append(f"median {statistics.median(sizes)} lines of code, at most 8")
    if sum(n <= 20 for n in sizes) < 0.9 * len(sizes):
        faults.append("fewer than 90 % of the functions have at most 20 lines of code")
    return faults


def test_functions_are_short():
    counts = {
        f"{path.relative_to(PACKAGE)}:{name}": n
        for path in sorted(PACKAGE.rglob("*.py"))
        for name, n in code_lines(path.read_text("utf-8")).items()
    }
    assert len(counts) > 50
    assert length_faults(counts) == []


def test_code_lines_are_counted_without_docstring_comments_and_blanks():
    source = 'def f(x):\n    """Doc.\n\n    More.\n    """\n    # why\n\n    return (\n        x\n    )\n'
    assert code_lines(source) == {"f:1": 4}


@pytest.mark.parametrize(
    "sizes, fault",
    [([31, 1, 1], "a: 31"), ([9, 9, 1], "median 9"), ([1] * 8 + [21, 21], "fewer than 90 %")],
)
def test_long_functions_are_named(sizes, fault):
    counts = {chr(ord("a") + i): n for i, n in enumerate(sizes)}
    assert any(fault in message for message in length_faults(counts))


EXPERIMENTS = [
    importlib.import_module(f"{experiments.__name__}.{path.stem}")
    for path in sorted(Path(experiments.__file__).parent.glob("[!_]*.py"))
]
FUNCTIONS = {
    **{f"with_numpy.{name}": f for name, f in check.public("with_numpy").items() if inspect.isfunction(f)},
    **{f"with_jax.{name}": f for name, f in check.public("with_jax").items() if inspect.isfunction(f)},
    **{
        f"{module.__name__.removeprefix('textbook_code.')}.{name}": f
        for module in (check, data, tape, *EXPERIMENTS)
        for name, f in vars(module).items()
        if inspect.isfunction(f) and f.__module__ == module.__name__ and not name.startswith("_")
    },
}

# numpydoc's checks that we hold to. Of its others, some ask for prose that a shape or a formula already says.
CHECKS = {
    "GL02", "GL03", "GL05", "GL06", "GL07", "GL08",  # layout, known sections, their order
    "SS01", "SS02", "SS03", "SS04", "SS06",  # a summary of one line, capitalised, with a full stop
    "PR01", "PR02", "PR03", "PR04", "PR05", "PR07", "PR10",  # every parameter, in order, with type and text
    "RT01", "RT03",  # what is returned
    "EX01",  # an example
}  # fmt: skip

SHAPED = re.compile(r"\((\.\.\.|[A-Z]+[0-9]*( \+ \d+)?|, |,|\d+)*\)")


def doc_faults(name: str, function) -> list[str]:
    """What the docstring lacks."""
    doc = FunctionDoc(function)
    faults = [f"{code} {text}" for code, text in validate(name)["errors"] if code in CHECKS]
    if ">>>" not in "\n".join(doc["Examples"]):
        faults.append("Examples: no doctest")
    half = name.startswith("textbook_code.with_") and "sharding" not in name  # takes what JAX has made
    if half and not any("ValueError" in p.type for p in doc["Raises"]):
        faults.append("Raises: no ValueError")
    types = {name: str(p.annotation) for name, p in inspect.signature(function).parameters.items()}
    arrays = [p for p in doc["Parameters"] if re.search(r"ndarray|jax\.Array", types.get(p.name, ""))]
    faults += [f"{p.name}: no shape, got {p.type!r}" for p in arrays if not SHAPED.fullmatch(p.type)]
    return faults


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstring(name):
    assert doc_faults(f"textbook_code.{name}", FUNCTIONS[name]) == []


def test_experiments_and_data_are_held_to_it():
    assert {"experiments.activations.revive", "data.xor", "check.draw"} <= FUNCTIONS.keys()


def test_docstring_faults_are_named(monkeypatch):
    def relu(x: "np.ndarray"):  # noqa: F821
        """Half of it

        Parameters
        ----------
        x : array
        """
        return x

    from textbook_code.with_numpy import activations

    monkeypatch.setattr(activations, "relu", relu)
    faults = " ".join(doc_faults("textbook_code.with_numpy.activations.relu", relu))
    for fault in ("SS03", "PR07", "RT01", "EX01", "Examples", "Raises", "x: no shape, got 'array'"):
        assert fault in faults


def test_halves_have_the_same_files():
    by_numpy, by_jax = (
        {p.name for p in (PACKAGE / half).glob("*.py")} for half in ("with_numpy", "with_jax")
    )
    assert by_jax - by_numpy == {f"{module}.py" for module in check.JAX_ALONE}
    assert by_numpy - by_jax == set()
    assert by_numpy >= {"activations.py", "conv.py", "losses.py", "mlp.py", "optim.py"}
