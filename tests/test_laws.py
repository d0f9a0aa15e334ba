"""The laws of the two halves: same functions, same numbers, right derivatives, at the extremes too."""

import importlib
import math
import subprocess
import sys
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textbook_code import check
from textbook_code._tree import leaves
from textbook_code.check import CASES, ELEMENTWISE
from textbook_code.experiments import activations as experiments
from textbook_code.with_jax import activations as jax_activations
from textbook_code.with_jax import dense as jax_dense
from textbook_code.with_jax import losses as jax_losses
from textbook_code.with_jax import mlp as jax_mlp
from textbook_code.with_numpy import activations, dense, losses, mlp

by_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.function}-{c.shapes}".replace(" ", ""))
elementwise = pytest.mark.parametrize("name", ELEMENTWISE)


@pytest.fixture(autouse=True)
def no_overflow():
    """Let overflow, division by zero and nan from numbers fail the test; underflow to 0 is meant."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield


def cast(tree, dtype):
    """Convert the floating arrays of a tree."""
    if isinstance(tree, tuple):
        return tuple(cast(branch, dtype) for branch in tree)
    floating = isinstance(tree, np.ndarray) and tree.dtype.kind == "f"
    return tree.astype(dtype) if floating else tree


def frozen(tree):
    """Make the arrays of a tree read-only: writing into them raises."""
    for leaf in leaves(tree):
        if isinstance(leaf, np.ndarray):
            leaf.flags.writeable = False
    return tree


def close(a, b, rtol):
    """Equal up to rtol of the largest entry."""
    return np.max(np.abs(np.asarray(a) - np.asarray(b)), initial=0) <= rtol * np.max(np.abs(b), initial=0)


# The derivatives


@by_case
def test_by_hand_is_jax_is_difference(case):
    check.check_laws((case,))


@by_case
def test_halves_agree_forward(case):
    f, _, f_jax = check.halves(case)
    args = check.draw(case.shapes)
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        y = np.asarray(jax.jit(f_jax)(*args))
    assert y.dtype == np.float64
    assert close(f(*args), y, 1e-13)


@elementwise
@pytest.mark.parametrize("x", [0.0, -0.0, 1e4, -1e4, 50.0, -50.0])
def test_derivative_at_kinks_and_extremes(name, x):
    case = check.Case(f"activations.{name}", ((1,),))
    f, f_vjp, f_jax = check.halves(case)
    x = np.array([x])
    with jax.enable_x64(True):
        y = np.asarray(f_jax(jnp.asarray(x)))
    [dx] = check.jax_vjp(f_jax, np.ones(1), (x,))
    assert close(f(x), y, 1e-13)
    assert np.allclose(f_vjp(np.ones(1), x), dx, rtol=1e-13, atol=1e-20)


sizes = st.integers(1, 5)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from((*ELEMENTWISE, "softmax", "log_softmax")), st.lists(sizes, min_size=1, max_size=4))
def test_derivative_for_any_shape(name, shape):
    f, f_vjp, _ = check.halves(check.Case(f"activations.{name}", (tuple(shape),)))
    [x] = check.draw((tuple(shape),))
    assert f(x).shape == f_vjp(x, x).shape == x.shape
    assert check.gradient_check(f, f_vjp, (x,)) < check.TOLERANCE_DIFFERENCE or x.shape[-1] == 1


@settings(max_examples=20, deadline=None)
@given(st.lists(sizes, min_size=3, max_size=5))
def test_mlp_derivative_for_any_sizes(widths):
    n, *widths = widths
    layers = [[(d, m), (m,)] for d, m in pairwise(widths)]
    case = check.Case("mlp.mlp", ((n, widths[0]), layers), ("activations.tanh",))
    f, f_vjp, _ = check.halves(case)
    args = check.draw(case.shapes)
    assert f(*args).shape == (n, widths[-1])
    assert check.gradient_check(f, f_vjp, args) < check.TOLERANCE_DIFFERENCE


# dtype and ownership


@by_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_in_is_dtype_out_and_arguments_stay(case, dtype):
    case = case._replace(others=frozen(cast(case.others, dtype)))
    f, f_vjp, f_jax = check.halves(case)
    args = frozen(cast(check.draw(case.shapes), dtype))
    y = f(*args)
    grads = leaves(f_vjp(frozen(np.ones_like(y)), *args))
    with jax.enable_x64(True):
        y_jax = f_jax(*jax.tree.map(jnp.asarray, args))
    assert {y.dtype, y_jax.dtype, *(g.dtype for g in grads)} == {np.dtype(dtype)}
    assert np.shape(y) == y_jax.shape
    assert [g.shape for g in grads] == [a.shape for a in leaves(args)]


@by_case
def test_runs_under_jit_in_float32(case):
    f, _, f_jax = check.halves(case)
    args = cast(check.draw(case.shapes), np.float32)
    case = case._replace(others=cast(case.others, np.float32))
    f, _, f_jax = check.halves(case)
    assert close(f(*args), jax.jit(f_jax)(*args), 1e-5)


def test_labels_and_targets_may_be_traced():
    logits = np.zeros((2, 3), np.float32)
    labels = np.array([0, 2])
    assert close(jax.jit(jax_losses.cross_entropy)(logits, labels), math.log(3), 1e-6)
    targets = np.ones((2, 3), np.float32)
    assert close(jax.jit(jax_losses.bce_with_logits)(logits, targets), math.log(2), 1e-6)


# Extremes

LIMITS = {  # of the function and of its derivative, at -inf and at inf
    "sigmoid": (0, 1, 0, 0),
    "tanh": (-1, 1, 0, 0),
    "relu": (0, np.inf, 0, 1),
    "leaky_relu": (-np.inf, np.inf, 0.01, 1),
    "elu": (-1, np.inf, 0, 1),
    "silu": (0, np.inf, 0, 1),
    "gelu": (0, np.inf, 0, 1),
    "gelu_tanh": (0, np.inf, 0, 1),
    "softplus": (0, np.inf, 0, 1),
}


@elementwise
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_limits(name, dtype):
    f, f_vjp = getattr(activations, name), getattr(activations, f"{name}_vjp")
    x = np.array([-np.inf, np.inf], dtype)
    low, high, dlow, dhigh = LIMITS[name]
    assert np.allclose(f(x), [low, high])
    assert np.allclose(f_vjp(np.ones(2, dtype), x), [dlow, dhigh])
    y, pull = jax.vjp(getattr(jax_activations, name), jnp.asarray(x))
    assert np.allclose(y, [low, high])
    assert np.allclose(pull(jnp.ones_like(y))[0], [dlow, dhigh])
    finite_low, finite_high = (1e4 * np.sign(v) if np.isinf(v) else v for v in (low, high))
    large = np.array([-1e4, 1e4], dtype)
    if name != "leaky_relu":
        assert np.allclose(f(large), [finite_low, finite_high], atol=1e-30)
    assert np.isfinite(f_vjp(np.ones(2, dtype), large)).all()


@elementwise
def test_float32_at_ten_thousand_is_finite_in_jax(name):
    f = getattr(jax_activations, name)
    x = jnp.array([-1e4, 0, 1e4], jnp.float32)
    y, pull = jax.vjp(f, x)
    assert np.isfinite(y).all()
    assert np.isfinite(pull(jnp.ones_like(y))[0]).all()


@pytest.mark.parametrize("x", [100.0, 1e4, 6e4])
def test_gelu_tanh_in_float16(x):
    x = np.array([-x, x], np.float16)
    y, dx = activations.gelu_tanh(x), activations.gelu_tanh_vjp(np.ones_like(x), x)
    assert np.array_equal(y, [0, x[1]]) and np.array_equal(dx, [0, 1])
    assert y.dtype == dx.dtype == np.float16


@pytest.mark.parametrize(
    "dtype, x", [("float16", 100), ("float16", 1e4), ("bfloat16", 1e4), ("bfloat16", 1e20), ("float32", 1e20)]
)
def test_gelu_tanh_in_jax_at_the_ends_of_the_range(dtype, x):
    x = jnp.array([-x, x], dtype)
    y, pull = jax.vjp(jax_activations.gelu_tanh, x)
    [dx] = pull(jnp.ones_like(x))
    assert y.tolist() == [0, x[1]] and dx.tolist() == [0, 1]
    assert y.dtype == dx.dtype == x.dtype


@pytest.mark.parametrize("sign", [-1, 1])
def test_gelu_tanh_is_its_formula_to_the_last_bit_up_to_50(sign):
    """Where the cubic is held, at 30, every gate has long rounded to 0 or 1."""
    x = sign * np.linspace(0, 50, 10_001)
    u = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
    du = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
    s, t = activations.sigmoid(2 * u), activations.sigmoid(-2 * u)
    assert np.array_equal(activations.gelu_tanh(x), x * s)
    assert np.array_equal(activations.gelu_tanh_vjp(np.ones_like(x), x), s * (1 + 2 * x * du * t))


@pytest.mark.parametrize("name", ["leaky_relu", "elu"])
@pytest.mark.parametrize("alpha", [np.float64(0.3), np.float32(0.3), 1])
def test_alpha_leaves_the_dtype_alone(name, alpha):
    x = np.array([-1.0, 2.0], np.float32)
    assert getattr(activations, name)(x, alpha).dtype == np.float32
    assert getattr(activations, f"{name}_vjp")(x, x, alpha).dtype == np.float32
    with jax.enable_x64(True):
        assert getattr(jax_activations, name)(jnp.asarray(x), alpha).dtype == np.float32


@elementwise
def test_nan_stays_nan(name):
    x = np.array([np.nan])
    with np.errstate(invalid="ignore"):
        assert np.isnan(getattr(activations, name)(x)).all()
    assert np.isnan(getattr(jax_activations, name)(x.astype(np.float32))).all()


@elementwise
@pytest.mark.parametrize("shape", [(0,), (3, 0), (1,), ()])
def test_empty_and_single(name, shape):
    x = np.full(shape, 0.5)
    y = getattr(activations, name)(x)
    assert np.shape(y) == np.shape(getattr(activations, f"{name}_vjp")(x, x)) == shape
    assert getattr(jax_activations, name)(x.astype(np.float32)).shape == shape


@pytest.mark.parametrize("half", [activations, jax_activations])
def test_softmax_at_extremes(half):
    x = np.array([[1e4, -1e4, 1e4], [-np.inf, 0, 0]], np.float32)  # -inf: a masked score
    p = np.array([[0.5, 0, 0.5], [0, 0.5, 0.5]])
    assert np.allclose(half.softmax(x), p)
    assert np.allclose(
        half.log_softmax(x),
        [[-math.log(2), -2e4 - math.log(2), -math.log(2)], [-np.inf, *[-math.log(2)] * 2]],
    )
    assert half.softmax(np.ones((1, 1), np.float32)) == 1
    assert half.log_softmax(np.ones((1, 1), np.float32)) == 0


@pytest.mark.parametrize("half", [losses, jax_losses])
def test_losses_at_extremes(half):
    z = np.array([-1e4, 1e4, 1e4], np.float32)
    assert half.bce_with_logits(z[:2], np.array([0, 1], np.float32)) == 0
    assert half.bce_with_logits(z[:2], np.array([1, 0], np.float32)) == 1e4
    assert half.cross_entropy(z[None], np.array([0])) == pytest.approx(2e4 + math.log(2))
    assert half.mse(z, np.zeros(3, np.float32)) == 1e8


# Accuracy and known values


def test_gelu_is_exact_in_both_tails():
    x = np.linspace(-37, 37, 2001)
    reference = x * np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in x])
    error = np.abs(activations.gelu(x) - reference)
    condition = 1 + x * x  # a relative error of eps in x moves the tail by x² eps
    assert np.all(error <= 1e-14 * condition * np.abs(reference))


def test_gelu_tail_in_float32():
    x = np.linspace(-9, 9, 1001).astype(np.float32)
    reference = activations.gelu(x.astype(np.float64))
    assert np.all(np.abs(activations.gelu(x) - reference) <= 1e-6 * (1 + x * x) * np.abs(reference))


@pytest.mark.parametrize(
    "name, reference",
    [
        ("sigmoid", jax.nn.sigmoid),
        ("leaky_relu", jax.nn.leaky_relu),
        ("elu", jax.nn.elu),
        ("silu", jax.nn.silu),
        ("gelu", partial(jax.nn.gelu, approximate=False)),
        ("gelu_tanh", partial(jax.nn.gelu, approximate=True)),
        ("softplus", jax.nn.softplus),
        ("softmax", jax.nn.softmax),
        ("log_softmax", jax.nn.log_softmax),
    ],
)
def test_as_in_jax_nn(name, reference):
    x = np.linspace(-8, 8, 34).reshape(2, 17)
    with jax.enable_x64(True):
        y = np.asarray(reference(jnp.asarray(x)))
    assert close(getattr(activations, name)(x), y, 1e-14)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_derivative_does_not_cancel(name):
    """1 - σ(x) and 1 - tanh² are 0 for x ≥ 40; the derivatives, exp(-40) and 4 exp(-80), are not."""
    dx = getattr(activations, f"{name}_vjp")(np.ones(1), np.array([40.0]))
    assert close(dx, {"sigmoid": math.exp(-40), "tanh": 4 * math.exp(-80)}[name], 1e-13)


def test_python_floats_are_scalars():
    assert activations.gelu(0.0) == 0 and activations.sigmoid_vjp(1.0, 0.0) == 0.25
    assert losses.mse_vjp(1.0, np.ones(2, np.float32), np.zeros(2, np.float32)).dtype == np.float32


def test_mlp_is_dense_and_activation_by_turns():
    x, layers = check.draw(((5, 3), [[(3, 4), (4,)], [(4, 2), (2,)]]))
    (w0, b0), (w1, b1) = layers
    assert np.array_equal(mlp.mlp(x, layers, activations.relu), np.maximum(x @ w0 + b0, 0) @ w1 + b1)


def test_mlp_init_draws_the_same_in_both_halves():
    draws = [half.mlp_init(np.random.default_rng(3), [4, 3, 2], dtype=np.float32) for half in (mlp, jax_mlp)]
    for by_numpy, by_jax in zip(*draws, strict=True):
        assert np.array_equal(by_numpy.w, by_jax.w) and np.array_equal(by_numpy.b, by_jax.b)
        assert {by_numpy.w.dtype, by_numpy.b.dtype, by_jax.w.dtype, by_jax.b.dtype} == {np.dtype(np.float32)}
    assert mlp.mlp_init(np.random.default_rng(3), [4, 3])[0].w.dtype == np.float64


def test_mlp_init_has_variance_gain_over_fan_in():
    [layer] = mlp.mlp_init(np.random.default_rng(0), [400, 500], gain=3.0)
    assert np.var(layer.w) == pytest.approx(3 / 400, rel=0.02)
    assert not layer.b.any()


# Bad input: one ValueError that names the argument, in both halves

ONE = np.ones((2, 3))
W, B = np.ones((3, 4)), np.ones(4)
BAD = [
    ("dense", "dense", (ONE, W.T, B), "w: expected shape (D, M) with D = 3 as in x, got (4, 3)"),
    ("dense", "dense", (ONE, W, ONE[0]), "b: expected shape (M,) with M = 4 as in w, got (3,)"),
    ("dense", "dense", (ONE[0], W, B), "x: expected shape (N, D), got (3,)"),
    ("dense", "dense", (ONE[:0], W, B), "x: expected shape (N, D), none of it empty, got (0, 3)"),
    ("dense", "dense", (ONE.astype(int), W, B), "x: expected a floating dtype, got int64"),
    ("losses", "mse", (ONE, ONE[0]), "y: expected shape (N, ...) with N = 2 as in y_pred"),
    ("losses", "mse", (ONE[:0], ONE[:0]), "y_pred: expected shape (N, ...), none of it empty, got (0, 3)"),
    ("losses", "mse", (ONE, ONE[:, :2]), "y: expected shape (N, ...) with N = 2 as in y_pred, ... = (3,)"),
    ("losses", "bce_with_logits", (ONE, 2 * ONE), "y: expected values from 0 to 1, got 2.0"),
    ("losses", "bce_with_logits", (ONE, np.nan * ONE), "y: expected values from 0 to 1, got nan"),
    ("losses", "bce_with_logits", (ONE, ONE[0]), "y: expected shape (N, ...) with N = 2"),
    ("losses", "cross_entropy", (ONE, np.array([0, 3])), "labels: expected values from 0 to 2, got 3"),
    ("losses", "cross_entropy", (ONE, np.array([-1, 0])), "labels: expected values from 0 to 2, got -1"),
    ("losses", "cross_entropy", (ONE, np.array([0])), "labels: expected an integer array of shape (2,)"),
    (
        "losses",
        "cross_entropy",
        (ONE, np.ones(2)),
        "labels: expected an integer array of shape (2,), got float",
    ),
    ("losses", "cross_entropy", (ONE, [0, 1]), "labels: expected an integer array of shape (2,), got list"),
    ("losses", "cross_entropy", (ONE[0], np.array([0])), "logits: expected shape (N, C), got (3,)"),
    ("mlp", "mlp", (ONE, (), np.tanh), "layers: expected at least one layer"),
    ("mlp", "mlp", (ONE, (W, B), np.tanh), "layers[0]: expected a pair (w, b), got ndarray"),
    ("mlp", "mlp", (ONE, [W, W], np.tanh), "layers[0]: expected a pair (w, b), got ndarray"),
    ("mlp", "mlp", (ONE, [(W, B), (W, B, B)], np.tanh), "layers[1]: expected a pair (w, b), got 3 items"),
    ("mlp", "mlp", (ONE, 5, np.tanh), "layers: expected a tuple of layers (w, b), got int"),
    ("mlp", "mlp", (ONE, None, np.tanh), "layers: expected a tuple of layers (w, b), got NoneType"),
    ("mlp", "mlp", (ONE, np.ones((2, 2)), np.tanh), "layers: expected a tuple of layers (w, b), got ndarray"),
    ("mlp", "mlp", (ONE, ((W, B), (W, B)), np.tanh), "layers[1].w: expected shape (D1, D2) with D1 = 4"),
    ("mlp", "mlp_init", (0, [2, 3]), "rng: expected a generator as from np.random.default_rng(0), got int"),
    ("mlp", "mlp_init", (np.random.default_rng(0), [2]), "sizes: expected two or more integers ≥ 1, got [2]"),
    ("mlp", "mlp_init", (np.random.default_rng(0), [2, 0]), "sizes: expected two or more integers ≥ 1"),
    ("mlp", "mlp_init", (np.random.default_rng(0), [2, 2.5]), "sizes: expected two or more integers ≥ 1"),
    ("mlp", "mlp_init", (np.random.default_rng(0), [2, 3], -1.0), "gain: expected a finite number ≥ 0"),
    ("mlp", "mlp_init", (np.random.default_rng(0), 5), "sizes: expected two or more integers ≥ 1, got 5"),
    (
        "mlp",
        "mlp_init",
        (np.random.default_rng(0), None),
        "sizes: expected two or more integers ≥ 1, got None",
    ),
    (
        "mlp",
        "mlp_init",
        (np.random.default_rng(0), [2, 3], "2"),
        "gain: expected a finite number ≥ 0, got '2'",
    ),
    (
        "mlp",
        "mlp_init",
        (np.random.default_rng(0), [2, 3], None),
        "gain: expected a finite number ≥ 0, got None",
    ),
    ("mlp", "mlp_init", (np.random.default_rng(0), [2, 3], 1.0, int), "dtype: expected a floating dtype"),
    (
        "mlp",
        "mlp_init",
        (np.random.default_rng(0), [2, 3], 1.0, "foo"),
        "dtype: expected a floating dtype, got 'foo'",
    ),
    *(
        ("activations", name, (ONE, alpha), f"alpha: expected a real number, got {kind}")
        for name in ("leaky_relu", "elu")
        for alpha, kind in [("a", "str"), (None, "NoneType"), (np.array([0.1]), "ndarray"), (1j, "complex")]
    ),
    *(
        (module, name, args, message)
        for module, name in [("activations", n) for n in (*ELEMENTWISE, "softmax", "log_softmax")]
        for args, message in [
            ((np.arange(3),), "x: expected a floating dtype, got int64; convert with x.astype(np.float32)"),
            (
                (np.array([True]),),
                "x: expected a floating dtype, got bool; convert with x.astype(np.float32)",
            ),
            (([1.0],), "x: expected an array, got list; convert with np.asarray(x, np.float32)"),
        ]
    ),
    ("activations", "softmax", (np.array(1.0),), "x: expected shape (..., C), got ()"),
    ("activations", "log_softmax", (np.ones((2, 0)),), "x: expected shape (..., C), none of it empty"),
]


@pytest.mark.parametrize("half", ["with_numpy", "with_jax"])
@pytest.mark.parametrize("module, name, args, message", BAD)
def test_bad_input(half, module, name, args, message):
    function = getattr(importlib.import_module(f"textbook_code.{half}.{module}"), name)
    with pytest.raises(ValueError) as error:
        function(*args)
    assert str(error.value).startswith(message)


F32 = np.float32
BAD_VJP = [
    (activations.relu_vjp, (ONE[0], ONE), "dy: expected shape (...) with ... = (2, 3) as in x, got (3,)"),
    (activations.softmax_vjp, (ONE[:1], ONE), "dy: expected shape (..., C) with ... = (2,) as in x"),
    (
        activations.gelu_vjp,
        (ONE.astype(F32), ONE),
        "dy: expected float64 as in x, got float32; use one dtype, as by x.astype(dy.dtype)",
    ),
    (activations.elu_vjp, (1, ONE), "dy: expected an array, got int"),
    (activations.elu_vjp, (ONE, ONE, "a"), "alpha: expected a real number, got str"),
    (activations.leaky_relu_vjp, (ONE, ONE, ONE), "alpha: expected a real number, got ndarray"),
    (dense.dense_vjp, (ONE, ONE, W, B), "dy: expected shape (N, M) with N = 2 as in x, M = 4 as in w"),
    (
        dense.dense,
        (ONE, W.astype(F32), B),
        "w: expected float64 as in x, got float32; use one dtype, as by x.astype",
    ),
    (jax_dense.dense, (ONE, W.astype(F32), B), "w: expected float64 as in x, got float32"),
    (losses.mse_vjp, (ONE, ONE, ONE), "dy: expected shape (), got (2, 3)"),
    (losses.bce_with_logits_vjp, (1.0, ONE, 2 * ONE), "y: expected values from 0 to 1, got 2.0"),
    (losses.cross_entropy_vjp, (1.0, ONE, np.array([0, 3])), "labels: expected values from 0 to 2, got 3"),
    (mlp.mlp_vjp, (ONE, ONE, (), np.tanh, np.tanh), "layers: expected at least one layer"),
    (mlp.mlp_vjp, (ONE, ONE, ((W, B),), np.tanh, np.tanh), "dy: expected shape (N, M)"),
]


@pytest.mark.parametrize("function, args, message", BAD_VJP)
def test_bad_input_of_derivatives(function, args, message):
    with pytest.raises(ValueError) as error:
        function(*args)
    assert str(error.value).startswith(message)


LAYER = experiments.Layer(W, B)
X, KNOTS = ONE[:, 0], np.array([0.0, 1.0, 2.0])
BAD_EXPERIMENT = [
    (experiments.revive, ((LAYER,), ONE, None), "layers: expected two, got 1"),
    (
        experiments.revive,
        ((LAYER, experiments.Layer(np.ones((4, 4)), B), experiments.Layer(np.ones((4, 4)), B)), ONE, None),
        "layers: expected two, got 3",
    ),
    (
        experiments.revive,
        ((LAYER, experiments.Layer(np.ones((4, 4)), B)), ONE[:1], np.random.default_rng(0)),
        "x: expected at least two rows, got 1",
    ),
    (experiments.hinge_sum, (X, KNOTS, 0.0, np.ones(3)), "a: expected shape (2,), got (3,)"),
    (experiments.hinge_sum, (X, KNOTS, 0.0, np.ones((2, 2))), "a: expected shape (2,), got (2, 2)"),
    (experiments.hinge_sum, (X, KNOTS, 0.0, 1.0), "a: expected shape (2,), got ()"),
    (
        experiments.train,
        ((LAYER,), ONE, ONE @ W, (np.tanh, None), (losses.mse, losses.mse_vjp), 0.1, -1),
        "steps: expected ≥ 0, got -1",
    ),
]


@pytest.mark.parametrize("function, args, message", BAD_EXPERIMENT)
def test_bad_input_of_experiments(function, args, message):
    with pytest.raises(ValueError) as error:
        function(*args)
    assert str(error.value) == message


@elementwise
def test_every_derivative_checks_its_arguments(name):
    with pytest.raises(ValueError, match="dy: expected shape"):
        getattr(activations, f"{name}_vjp")(np.ones(2), np.ones(3))


def test_the_numpy_half_needs_neither_jax_nor_scipy():
    names = sorted({name.split(".")[0] for name in check.public("with_numpy")})
    imports = "; ".join(f"import textbook_code.with_numpy.{name}" for name in names)
    code = (
        f"import sys, textbook_code.check; {imports}; print(*sorted({{'jax', 'scipy'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
