"""The law itself is tested: what is right passes, and each planted fault is named."""

import doctest
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from textbook_code import check
from textbook_code.with_numpy import activations, dense, losses


def plant(monkeypatch, name, wrong):
    module, function = name.split(".")
    monkeypatch.setattr(importlib.import_module(f"textbook_code.with_numpy.{module}"), function, wrong)


def near_gelu_tanh_vjp(dy, x):
    """The derivative with one digit less in its constant: wrong by 1e-5."""
    u = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    du = np.sqrt(2 / np.pi) * (1 + 3 * 0.0447 * x * x)
    s = activations.sigmoid(2 * u)
    return dy * (s + 2 * x * du * s * (1 - s))


WRONG = {
    "activations.sigmoid_vjp": lambda dy, x: dy * activations.sigmoid(x),
    "activations.relu_vjp": lambda dy, x: dy * (x > 0) * 1.000001,
    "activations.leaky_relu_vjp": lambda dy, x, alpha=0.01: dy * np.where(x >= 0, 1, 0.01),
    "activations.gelu_tanh_vjp": near_gelu_tanh_vjp,
    "activations.softmax_vjp": lambda dy, x: dy * activations.softmax(x) * (1 - activations.softmax(x)),
    "dense.dense_vjp": lambda dy, x, w, b: (dy @ w.T, x.T @ dy, dy.mean(axis=0)),
    "losses.mse_vjp": lambda dy, y_pred, y: dy * (y_pred - y) / y.size,
    "losses.cross_entropy_vjp": lambda dy, z, labels: dy * activations.softmax(z) / len(labels),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_derivative_is_caught_and_named(monkeypatch, name):
    plant(monkeypatch, name, WRONG[name])
    cases = tuple(case for case in check.CASES if f"{case.function}_vjp" == name)
    with pytest.raises(ValueError, match=rf"{name}, shapes .*: by hand and JAX differ by .*, allowed 1e-10"):
        check.check_laws(cases)


def test_nan_is_caught(monkeypatch):
    plant(monkeypatch, "activations.relu_vjp", lambda dy, x: dy * np.nan)
    with pytest.raises(ValueError, match=r"activations\.relu_vjp"):
        check.check_laws((check.Case("activations.relu", ((3,),)),))


def test_nan_in_one_of_several_derivatives_is_caught_by_jax_column(monkeypatch):
    """max() of Python passes over a nan that does not come first."""
    plant(monkeypatch, "dense.dense_vjp", lambda dy, x, w, b: (dy @ w.T, x.T @ dy, np.nan * b))
    [case] = [case for case in check.CASES if case.shapes == ((5, 3), (3, 4), (4,))]
    assert np.isnan(check.vjp_agreement(case).jax)
    with pytest.raises(ValueError, match="by hand and JAX differ by nan"):
        check.check_laws((case,))


SHAPES_WRONG = [
    lambda dy, x, w, b: (dy @ w.T, x.T @ dy, dy.sum(axis=0, keepdims=True)),
    lambda dy, x, w, b: (dy @ w.T, x.T @ dy),
]


@pytest.mark.parametrize("wrong", SHAPES_WRONG)
def test_a_derivative_of_another_shape_is_caught(monkeypatch, wrong):
    plant(monkeypatch, "dense.dense_vjp", wrong)
    [case] = [case for case in check.CASES if case.shapes == ((5, 3), (3, 4), (4,))]
    with pytest.raises(ValueError, match=r"dense\.dense_vjp, shapes .*: by hand and JAX differ by inf"):
        check.check_laws((case,))
    assert check.gradient_check(dense.dense, wrong, check.draw(case.shapes)) == np.inf


def test_the_difference_alone_catches_what_both_halves_share(monkeypatch):
    """Where the formula by hand and JAX agree on a wrong rule, only the difference tells."""
    monkeypatch.setattr(check, "jax_vjp", lambda f, dy, args: (dy * 2,))
    plant(monkeypatch, "activations.tanh_vjp", lambda dy, x: dy * 2)
    with pytest.raises(ValueError, match="by hand and finite difference differ"):
        check.check_laws((check.Case("activations.tanh", ((3,),)),))


def test_gradient_check_sees_one_wrong_entry_in_many():
    w = np.linspace(-1, 1, 10_000)

    def wrong(u, x):
        dx = u * np.cos(x)
        dx[1234] *= 1.01
        return dx

    assert check.gradient_check(np.sin, lambda u, x: u * np.cos(x), (w,)) < check.TOLERANCE_DIFFERENCE
    assert check.gradient_check(np.sin, wrong, (w,)) > check.TOLERANCE_DIFFERENCE


def test_gradient_check_calls_three_times():
    calls = []

    def f(x, w, b):
        calls.append("f")
        return dense.dense(x, w, b)

    def f_vjp(dy, *args):
        calls.append("vjp")
        return dense.dense_vjp(dy, *args)

    args = check.draw(((50, 30), (30, 40), (40,)))
    assert check.gradient_check(f, f_vjp, args) < check.TOLERANCE_DIFFERENCE
    assert sorted(calls) == ["f", "f", "vjp"]


def test_gradient_check_takes_a_scalar_function():
    y = np.linspace(0, 1, 4)
    gap = check.gradient_check(lambda z: losses.mse(z, y), lambda dy, z: losses.mse_vjp(dy, z, y), (y + 1,))
    assert gap < check.TOLERANCE_DIFFERENCE


def test_checking_leaves_jax_as_it_was():
    before = jax.config.jax_enable_x64, jax.config.jax_default_matmul_precision
    check.check_laws(check.CASES[:1])
    assert (jax.config.jax_enable_x64, jax.config.jax_default_matmul_precision) == before


def test_halves_mirror_each_other():
    by_numpy = check.public("with_numpy")
    assert len(by_numpy) > 20
    assert check.mirror_faults(by_numpy, check.public("with_jax")) == []


def f(x, alpha=1.0):
    return x


def g(x, alpha=2.0):
    return x


@pytest.mark.parametrize(
    "by_numpy, by_jax, fault",
    [
        ({"m.f": f, "m.f_vjp": f}, {}, "m.f: with_jax lacks it"),
        ({}, {"m.f": f}, "m.f: with_numpy lacks it"),
        ({"m.f": f, "m.f_vjp": f}, {"m.f": g}, "m.f: signatures differ"),
        ({"m.f": f}, {"m.f": f}, "m.f: with_numpy lacks m.f_vjp"),
        ({"m.f": f, "m.f_vjp": f}, {"m.f": f}, "m.f: no case in check.CASES"),
    ],
)
def test_what_does_not_mirror_is_named(by_numpy, by_jax, fault):
    assert fault in check.mirror_faults(by_numpy, by_jax)


def test_draw_keeps_away_from_kinks():
    x, [w] = check.draw(((500,), [(3, 4)]))
    assert np.abs(x).min() >= 0.1 and np.abs(x).max() <= 2 and (x < 0).any() and (x > 0).any()
    assert w.shape == (3, 4)


# On the page

ROOT = Path(__file__).parents[1]
CONF = """
import sys
sys.path[:0] = [{root!r}, {book!r}]
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "_ext.agreement", "_ext.docstrings"]
nitpicky = True
autodoc_typehints = "none"
{fault}
"""
FAULT = """
from textbook_code.with_numpy import activations
activations.relu_vjp = {wrong}
"""
PAGE = """
Law
===

.. agreement::
"""
LINKED = sorted({case.function.split(".")[0] for case in check.CASES})


def build(folder, wrong=""):
    """Build a page with the table; give the exit status, what was said, and the page as text."""
    fault = FAULT.format(wrong=wrong) if wrong else ""
    conf = CONF.format(root=str(ROOT), book=str(ROOT / "book"), fault=fault)
    (folder / "conf.py").write_text(conf)
    linked = () if wrong else LINKED
    (folder / "index.rst").write_text("\n   ".join([PAGE + "\n.. toctree::\n", *linked]))
    for name in linked:
        shutil.copy(ROOT / f"book/code/{name}.rst", folder)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "text", str(folder), str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    page = folder / "out/index.txt"
    return done.returncode, done.stdout + done.stderr, page.read_text("utf-8") if page.exists() else ""


def test_table_is_filled_by_the_build(tmp_path):
    status, said, page = build(tmp_path)
    assert (status, said) == (0, "")
    assert page.count("< 10") > len(check.CASES)
    for case in check.CASES:
        assert f'"{case.function.split(".")[1]}"' in page
    reference = [(tmp_path / f"out/{name}.txt").read_text("utf-8") for name in ("dense", "mlp")]
    assert '* **x** "(N, D)" -- A batch of N rows.' in reference[0]
    assert "gain=2.0, dtype=np.float64)" in reference[1]


@pytest.mark.parametrize(
    "wrong, message",
    [
        (
            "lambda dy, x: 2 * dy * (x > 0)",
            "relu_vjp, shapes ((7,),): by hand and JAX differ by 1e+00, allowed 1e-10",
        ),
        ("lambda dy: dy", "agreement: TypeError: "),
    ],
)
def test_a_broken_law_is_one_error_at_the_directive(tmp_path, wrong, message):
    status, said, _ = build(tmp_path, wrong)
    assert status != 0
    assert f"{tmp_path / 'index.rst'}:5: ERROR: agreement: " in said and message in said
    assert "Traceback" not in said


def test_the_reference_shows_every_public_function():
    shown = "\n".join(path.read_text("utf-8") for path in (ROOT / "book/code").glob("*.rst"))
    halves = [(half, name) for half in ("with_numpy", "with_jax") for name in check.public(half)]
    assert [
        f"{half}.{name}" for half, name in halves if f":: textbook_code.{half}.{name}\n" not in shown
    ] == []


def test_the_example_of_the_reference_runs():
    assert doctest.testfile(str(ROOT / "book/code/index.rst"), module_relative=False).failed == 0
