"""The laws of normalisation, dropout, pooling and initial weights, in both halves."""

import importlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textbook_code import check
from textbook_code.check import Case
from textbook_code.with_jax import dropout as jax_dropout
from textbook_code.with_jax import init as jax_init
from textbook_code.with_jax import norm as jax_norm
from textbook_code.with_jax import pool as jax_pool
from textbook_code.with_numpy import dropout, init, norm, pool

STATISTICS = (np.array([0.5, -1.0, 2.0]), np.array([1.5, 0.0, 0.2]), 0.1)
CASES = (
    Case("norm.batch_norm_inference", ((1, 3), (3,), (3,)), STATISTICS),
    Case("norm.batch_norm_inference", ((2, 4, 5, 3), (3,), (3,)), STATISTICS),
    Case("norm.layer_norm", ((3,), (3,), (3,))),
    Case("norm.layer_norm", ((5, 4), (4,), (4,))),
    Case("norm.layer_norm", ((2, 3, 6), (6,), (6,)), (0.1,)),
    Case("pool.max_pool2d", ((1, 1, 1, 1),), (1,)),
    Case("pool.max_pool2d", ((2, 5, 7, 3),), (2,)),
    Case("pool.max_pool2d", ((2, 7, 6, 3),), (3, 2)),
    Case("pool.max_pool2d", ((2, 7, 6, 3),), (2, 3)),
    Case("pool.avg_pool2d", ((1, 1, 1, 1),), (1,)),
    Case("pool.avg_pool2d", ((2, 5, 7, 3),), (2,)),
    Case("pool.avg_pool2d", ((2, 7, 6, 3),), (3, 2)),
    Case("pool.avg_pool2d", ((2, 7, 6, 3),), (2, 3)),
)
BATCHES = [((2, 1), 1e-5), ((6, 3), 1e-5), ((2, 3, 4, 5), 0.1)]  # batch_norm: its y, with eps
INITS = ("glorot_uniform", "glorot_normal", "he_normal", "lecun_normal", "orthogonal")

by_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.function}-{c.shapes}".replace(" ", ""))
by_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
by_init = pytest.mark.parametrize("name", INITS)


@pytest.fixture(autouse=True)
def no_overflow():
    """Let overflow, division by zero and nan from numbers fail the test."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield


def cast(tree, dtype):
    """Convert the floating arrays of a tree, and make them read-only: writing into them raises."""
    if isinstance(tree, tuple):
        return tuple(cast(branch, dtype) for branch in tree)
    if isinstance(tree, np.ndarray):
        tree = tree.astype(dtype)
        tree.flags.writeable = False
    return tree


def close(a, b, rtol):
    """Equal in shape, and up to rtol of the largest entry."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.max(np.abs(a - b), initial=0) <= rtol * np.max(np.abs(b), initial=0)


def in_x64(f, *args):
    """Run f of JAX under jit in float64, and return NumPy arrays."""
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, jax.jit(f)(*args))


def agree(f, f_vjp, f_jax, args):
    """By hand = JAX = finite difference, for functions of arrays."""
    dy = np.random.default_rng(1).standard_normal(np.shape(f(*args)))
    by_hand, by_jax = f_vjp(dy, *args), check.jax_vjp(f_jax, dy, args)
    by_hand = by_hand if isinstance(by_hand, tuple) else (by_hand,)
    assert len(by_hand) == len(by_jax)
    # Against what goes into dx: dx itself may cancel to almost nothing.
    size = np.max(np.abs(dy))
    for a, b in zip(by_hand, by_jax, strict=True):
        assert a.shape == b.shape and np.max(np.abs(a - b)) <= 1e-10 * max(size, np.max(np.abs(b)))
    assert check.gradient_check(f, f_vjp, args) < check.TOLERANCE_DIFFERENCE


# All that check.py can draw for


@by_case
def test_by_hand_is_jax_is_difference(case):
    check.check_laws((case,))


@by_case
def test_halves_agree_forward(case):
    f, _, f_jax = check.halves(case)
    args = check.draw(case.shapes)
    y = in_x64(f_jax, *args)
    assert y.dtype == np.float64
    assert close(f(*args), y, 1e-13)


@by_case
@by_dtype
def test_dtype_in_is_dtype_out_and_arguments_stay(case, dtype):
    case = case._replace(others=cast(case.others, dtype))
    f, f_vjp, f_jax = check.halves(case)
    args = cast(check.draw(case.shapes), dtype)
    y = f(*args)
    grads = f_vjp(cast(np.ones_like(y), dtype), *args)
    grads = grads if isinstance(grads, tuple) else (grads,)
    y_jax = in_x64(f_jax, *args)
    assert {y.dtype, y_jax.dtype, *(g.dtype for g in grads)} == {np.dtype(dtype)}
    assert [g.shape for g in grads] == [a.shape for a in args]
    assert close(y, y_jax, 1e-5)


# Batch normalisation


def first(f, eps):
    return lambda x, gamma, beta: f(x, gamma, beta, eps)[0]


@pytest.mark.parametrize("shape, eps", BATCHES)
def test_batch_norm_by_hand_is_jax_is_difference(shape, eps):
    args = check.draw((shape, shape[-1:], shape[-1:]))
    if shape == (2, 1):  # two entries are ± 1 whatever they are: y moves by gamma and beta alone
        eps = 1.0
    f_vjp = partial(norm.batch_norm_vjp, eps=eps)
    agree(first(norm.batch_norm, eps), f_vjp, first(jax_norm.batch_norm, eps), args)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4).filter(lambda s: np.prod(s[:-1]) > 1))
def test_batch_norm_of_any_shape(shape):
    args = check.draw((tuple(shape), (shape[-1],), (shape[-1],)))
    f, f_vjp = first(norm.batch_norm, 0.5), partial(norm.batch_norm_vjp, eps=0.5)
    assert check.gradient_check(f, f_vjp, args) < check.TOLERANCE_DIFFERENCE
    dx, _, _ = f_vjp(args[0], *args)
    assert np.allclose(dx.reshape(-1, shape[-1]).sum(axis=0), 0, atol=1e-12)


@by_dtype
@pytest.mark.parametrize("shape, eps", BATCHES)
def test_batch_norm_halves_dtypes_and_arguments(shape, eps, dtype):
    args = cast(check.draw((shape, shape[-1:], shape[-1:])), dtype)
    by_numpy = norm.batch_norm(*args, eps)
    by_jax = in_x64(lambda *args: jax_norm.batch_norm(*args, eps), *args)
    for a, b in zip(by_numpy, by_jax, strict=True):
        assert a.dtype == b.dtype == dtype
        assert close(a, b, {np.float32: 2e-5, np.float64: 1e-12}[dtype])
    grads = norm.batch_norm_vjp(args[0], *args, eps)
    assert {g.dtype for g in grads} == {np.dtype(dtype)}
    assert [g.shape for g in grads] == [a.shape for a in args]


@pytest.mark.parametrize("half", [norm, jax_norm])
@pytest.mark.parametrize("shape", [(500, 3), (10, 8, 6, 3)])
def test_batch_norm_has_mean_beta_and_deviation_gamma(half, shape):
    x = (5 + 3 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    gamma, beta = np.array([1, 2, 0.5], np.float32), np.array([0, -1, 4], np.float32)
    y, mean, var = half.batch_norm(x, gamma, beta, eps=0.0)
    rows, y = x.reshape(-1, 3), np.asarray(y).reshape(-1, 3)
    assert np.allclose(mean, rows.mean(axis=0), rtol=1e-5) and np.allclose(var, rows.var(axis=0), rtol=1e-5)
    assert np.allclose(y.mean(axis=0), beta, atol=1e-5)
    assert np.allclose(y.std(axis=0), gamma, rtol=1e-5)


@pytest.mark.parametrize("half", [norm, jax_norm])
def test_inference_with_the_statistics_of_the_batch_is_training(half):
    x, gamma, beta = check.draw(((4, 5, 3), (3,), (3,)))
    with jax.enable_x64(True):
        y, mean, var = half.batch_norm(x, gamma, beta)
        assert close(half.batch_norm_inference(x, gamma, beta, mean, var), y, 1e-14)


@pytest.mark.parametrize("half", [norm, jax_norm])
@pytest.mark.parametrize("rows", [100, 65_536])
def test_a_large_mean_in_float32_keeps_the_variance(half, rows):
    noise = np.random.default_rng(0).standard_normal((rows, 4))
    x = (1e4 + noise).astype(np.float32)
    one = np.ones(4, np.float32)
    y, mean, var = half.batch_norm(x, one, 0 * one)
    exact = x.astype(np.float64)
    assert np.allclose(mean, exact.mean(axis=0), rtol=2e-6)
    assert np.allclose(var, exact.var(axis=0), rtol=1e-3)
    assert np.allclose(y, (exact - exact.mean(axis=0)) / exact.std(axis=0), atol=0.02)


@pytest.mark.parametrize("half", [norm, jax_norm])
def test_layer_norm_with_a_large_mean_in_float32(half):
    x = (1e4 + np.random.default_rng(0).standard_normal((4, 1000))).astype(np.float32)
    y = half.layer_norm(x, np.ones(1000, np.float32), np.zeros(1000, np.float32))
    exact = norm.layer_norm(x.astype(np.float64), np.ones(1000), np.zeros(1000))
    assert np.allclose(y, exact, atol=0.01)


@pytest.mark.parametrize("half", [norm, jax_norm])
@pytest.mark.parametrize("value", [0.0, 1e4, -1e4])
def test_a_constant_feature_gives_beta(half, value):
    x, gamma, beta = np.full((4, 2), value, np.float32), np.ones(2, np.float32), np.ones(2, np.float32)
    y, mean, var = half.batch_norm(x, gamma, beta)
    assert np.array_equal(y, np.ones((4, 2))) and np.all(mean == value) and not np.any(var)
    assert np.array_equal(half.layer_norm(x, gamma, beta), np.ones((4, 2)))


def test_derivatives_at_a_constant_feature_are_finite():
    x, dy = np.full((4, 2), 1e4), np.arange(8.0).reshape(4, 2)
    for f_vjp in (norm.batch_norm_vjp, norm.layer_norm_vjp):
        dx, dgamma, dbeta = f_vjp(dy, x, np.ones(2), np.zeros(2))
        assert np.isfinite(dx).all() and not dgamma.any() and dbeta.tolist() == [12, 16]


def test_layer_norm_of_one_feature_is_beta():
    x, one = np.array([[1e4], [-3.0]]), np.ones(1)
    assert norm.layer_norm(x, one, 5 * one).tolist() == [[5], [5]]
    assert norm.layer_norm_vjp(x, x, one, one)[0].tolist() == [[0], [0]]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_layer_norm_of_any_shape(shape):
    args = check.draw((tuple(shape), (shape[-1],), (shape[-1],)))
    f_vjp = partial(norm.layer_norm_vjp, eps=0.5)
    assert check.gradient_check(partial(norm.layer_norm, eps=0.5), f_vjp, args) < check.TOLERANCE_DIFFERENCE
    dx, _, _ = f_vjp(args[0], *args)
    assert np.allclose(dx.sum(axis=-1), 0, atol=1e-12)


@pytest.mark.parametrize("eps", [np.float64(1e-3), 1])
def test_eps_and_decay_leave_the_dtype_alone(eps):
    x, gamma, beta = cast(check.draw(((5, 3), (3,), (3,))), np.float32)
    for half in (norm, jax_norm):
        with jax.enable_x64(True):
            y, mean, var = half.batch_norm(x, gamma, beta, eps)
            others = half.batch_norm_inference(x, gamma, beta, mean, var, eps)
            running = half.running_init(3, np.float32)
            running = half.running_update(running, mean, var, 5, decay=min(eps, type(eps)(0.5)))
            arrays = (y, mean, var, others, half.layer_norm(x, gamma, beta, eps), *running)
        assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    for f_vjp in (norm.batch_norm_vjp, norm.layer_norm_vjp):
        assert {g.dtype for g in f_vjp(x, x, gamma, beta, eps)} == {np.dtype(np.float32)}


def test_norms_under_jit_take_a_traced_eps():
    x, gamma, beta = cast(check.draw(((5, 3), (3,), (3,))), np.float32)
    assert close(
        jax.jit(jax_norm.layer_norm)(x, gamma, beta, 0.1), norm.layer_norm(x, gamma, beta, 0.1), 1e-5
    )
    y, _, _ = jax.jit(jax_norm.batch_norm)(x, gamma, beta, 0.1)
    assert close(y, norm.batch_norm(x, gamma, beta, 0.1)[0], 1e-5)


# Running statistics


@pytest.mark.parametrize("half", [norm, jax_norm])
def test_running_statistics_are_the_average_with_falling_weights(half):
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((n, 2)) for n in (3, 5, 4)]
    with jax.enable_x64(True):
        running = half.running_init(2)
        for x in batches:
            _, mean, var = half.batch_norm(x, np.ones(2), np.zeros(2))
            running = half.running_update(running, mean, var, len(x), decay=0.7)
        mean, var = map(np.asarray, running)
    weights = [0.3 * 0.7**2, 0.3 * 0.7, 0.3]
    assert isinstance(running, half.Running)
    assert np.allclose(mean, sum(w * x.mean(axis=0) for w, x in zip(weights, batches, strict=True)))
    unbiased = sum(w * x.var(axis=0, ddof=1) for w, x in zip(weights, batches, strict=True))
    assert np.allclose(var, 0.7**3 + unbiased)


def test_running_update_is_pure_and_keeps_the_dtype():
    running = norm.Running(*cast((np.zeros(2), np.ones(2)), np.float32))
    mean, var = cast((np.ones(2), np.ones(2)), np.float32)
    new = norm.running_update(running, mean, var, 3)
    assert running.mean.tolist() == [0, 0] and running.var.tolist() == [1, 1]
    assert new.mean.dtype == new.var.dtype == np.float32
    by_jax = jax.jit(jax_norm.running_update, static_argnums=3)(running, mean, var, 3, 0.9)
    assert all(close(a, b, 1e-6) for a, b in zip(new, by_jax, strict=True))


# Dropout


def test_dropout_is_mask_times_x_over_keep():
    x = cast(check.draw(((40, 50),))[0], np.float64)
    with jax.enable_x64(True):
        by_jax = jax_dropout.dropout(jnp.asarray(x), 0.25, jax.random.key(0))
    for y, mask in (dropout.dropout(x, 0.25, np.random.default_rng(0)), by_jax):
        assert y.dtype == np.float64 and mask.dtype == bool and mask.shape == x.shape
        assert close(y, x * np.asarray(mask) / 0.75, 1e-15)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(rate):
    x = np.ones(100_000, np.float32)
    ys = dropout.dropout(x, rate, np.random.default_rng(0)), jax_dropout.dropout(x, rate, jax.random.key(0))
    for y, mask in ys:
        deviation = np.sqrt(rate * (1 - rate) / x.size)
        assert abs(np.mean(mask) - (1 - rate)) < 4 * deviation
        assert abs(np.mean(y) - 1) < 4 * deviation / (1 - rate)


@by_dtype
def test_dropout_at_rate_0_is_x(dtype):
    x = cast(check.draw(((1000, 30),))[0], dtype)
    with jax.enable_x64(True):
        by_jax = jax_dropout.dropout(jnp.asarray(x), 0.0, jax.random.key(0))
    for y, mask in (dropout.dropout(x, 0.0, np.random.default_rng(0)), by_jax):
        assert y.dtype == dtype and np.array_equal(y, x) and np.all(mask)


def test_dropout_vjp_is_jax_is_difference():
    x, dy = check.draw(((5, 7), (5, 7)))
    key = jax.random.key(3)
    mask = np.asarray(jax_dropout.dropout(x, 0.4, key)[1])
    assert 0 < mask.sum() < mask.size
    [dx] = check.jax_vjp(lambda x: jax_dropout.dropout(x, 0.4, key)[0], dy, (x,))
    assert close(dropout.dropout_vjp(dy, mask, 0.4), dx, 1e-14)

    def f(x):
        return dropout.dropout(x, 0.4, np.random.default_rng(5))[0]

    mask = dropout.dropout(x, 0.4, np.random.default_rng(5))[1]
    f_vjp = lambda dy, x: dropout.dropout_vjp(dy, mask, 0.4)  # noqa: E731
    assert check.gradient_check(f, f_vjp, (x,)) < check.TOLERANCE_DIFFERENCE


def test_dropout_takes_a_new_mask_from_a_generator_and_the_same_from_a_key():
    x, rng, key = np.ones(100, np.float32), np.random.default_rng(0), jax.random.key(0)
    assert not np.array_equal(dropout.dropout(x, 0.5, rng)[1], dropout.dropout(x, 0.5, rng)[1])
    run = jax.jit(jax_dropout.dropout)
    mask = run(x, 0.5, key)[1]
    assert np.array_equal(mask, jax_dropout.dropout(x, 0.5, key)[1])
    assert not np.array_equal(mask, run(x, 0.5, jax.random.split(key)[0])[1])
    with jax.enable_x64(True):  # the mask is the same with float64 at hand
        assert np.array_equal(mask, run(x, 0.5, jax.random.key(0))[1])


@pytest.mark.parametrize("rate", [np.float64(0.5), np.float32(0.5), 0.5, 0])
def test_rate_leaves_the_dtype_alone(rate):
    x = cast(np.ones(8), np.float32)
    y, mask = dropout.dropout(x, rate, np.random.default_rng(0))
    assert y.dtype == dropout.dropout_vjp(x, mask, rate).dtype == np.float32
    with jax.enable_x64(True):
        assert jax_dropout.dropout(jnp.asarray(x), rate, jax.random.key(0))[0].dtype == np.float32


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3, 4)])
def test_dropout_of_any_shape(shape):
    x = np.full(shape, 0.5)
    y, mask = dropout.dropout(x, 0.5, np.random.default_rng(0))
    assert np.shape(y) == mask.shape == np.shape(dropout.dropout_vjp(x, mask, 0.5)) == shape
    y, mask = jax_dropout.dropout(x, 0.5, jax.random.key(0))
    assert y.shape == mask.shape == shape


# Pooling


def windows(x, size, stride):
    """All windows (N, HO, WO, C, size, size)."""
    view = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return view[:, ::stride, ::stride]


images = st.tuples(*[st.integers(1, n) for n in (2, 7, 7, 2)])


@settings(max_examples=20, deadline=None)
@given(images, st.integers(1, 4), st.one_of(st.none(), st.integers(1, 4)))
def test_pooling_of_any_shape(shape, size, stride):
    size = min(size, *shape[1:3])
    [x] = check.draw((shape,))
    view = windows(x, size, stride or size)
    assert np.array_equal(pool.max_pool2d(x, size, stride), view.max(axis=(-2, -1)))
    assert np.allclose(pool.avg_pool2d(x, size, stride), view.mean(axis=(-2, -1)))
    for f, f_vjp in ((pool.max_pool2d, pool.max_pool2d_vjp), (pool.avg_pool2d, pool.avg_pool2d_vjp)):
        gap = check.gradient_check(
            lambda x, f=f: f(x, size, stride), lambda dy, x, f=f_vjp: f(dy, x, size, stride), (x,)
        )
        assert gap < check.TOLERANCE_DIFFERENCE


@by_dtype
@pytest.mark.parametrize("size, stride", [(2, None), (3, 1), (3, 2), (2, 3)])
def test_of_equal_entries_the_first_one_wins(size, stride, dtype):
    """Few values, half of them 0 as after ReLU: windows are full of ties."""
    x = np.maximum(np.random.default_rng(0).integers(-3, 3, (3, 8, 9, 4)), 0).astype(dtype)
    dy = np.random.default_rng(1).standard_normal(pool.max_pool2d(x, size, stride).shape).astype(dtype)
    dx = pool.max_pool2d_vjp(dy, x, size, stride)
    f = partial(jax_pool.max_pool2d, size=size, stride=stride)
    [by_jax] = in_x64(lambda x, dy: jax.vjp(f, x)[1](dy), x, dy)
    assert dx.dtype == by_jax.dtype == dtype
    assert np.allclose(dx, by_jax, atol=1e-6 if dtype == np.float32 else 1e-14)


def test_the_gradient_goes_to_one_entry_only():
    dx = pool.max_pool2d_vjp(np.ones((1, 2, 2, 1)), np.zeros((1, 5, 5, 1)), 2)
    assert np.argwhere(dx[0, :, :, 0]).tolist() == [[0, 0], [0, 2], [2, 0], [2, 2]]  # and none at the border
    assert dx.sum() == 4


@pytest.mark.parametrize("half", [pool, jax_pool])
@by_dtype
def test_pooling_at_extremes(half, dtype):
    x = np.array([[-np.inf, -1e4], [1e4, -np.inf], [-np.inf, -np.inf]], dtype)
    x = np.stack([x, x], axis=1)[None]  # (1, 3, 2, 2), pooled over both columns
    with jax.enable_x64(True):
        y = np.asarray(half.max_pool2d(x, 2, 1))
        means = np.asarray(half.avg_pool2d(np.full((1, 2, 2, 1), 1e4, dtype), 2))
    assert y.dtype == means.dtype == dtype
    assert y[0, :, 0].tolist() == [[1e4, -1e4], [1e4, -np.inf]]
    assert means.tolist() == [[[[1e4]]]]


def test_pooling_takes_views():
    x = check.draw(((3, 2, 6, 5),))[0].transpose(1, 2, 3, 0)
    dy = np.ones((2, 3, 2, 3))
    assert np.array_equal(pool.max_pool2d(x, 2), pool.max_pool2d(x.copy(), 2))
    assert np.array_equal(pool.max_pool2d_vjp(dy, x, 2), pool.max_pool2d_vjp(dy, x.copy(), 2))


# Initial weights


@pytest.mark.parametrize("half", [init, jax_init])
@pytest.mark.parametrize(
    "shape, expected",
    [((3, 4), (3, 4)), ([3, 4], (3, 4)), ((5, 3, 4), (15, 20)), ((5, 2, 3, 4), (30, 40)), ((1, 1), (1, 1))],
)
def test_fans(half, shape, expected):
    assert half.fans(shape) == expected
    assert all(type(n) is int for n in half.fans(np.array(shape)))


@by_init
@by_dtype
@pytest.mark.parametrize("shape", [(3, 4), (3, 3, 2, 5)])
def test_halves_draw_the_same(name, dtype, shape):
    a = getattr(init, name)(np.random.default_rng(7), shape, dtype)
    with jax.enable_x64(True):
        b = getattr(jax_init, name)(np.random.default_rng(7), shape, dtype)
    assert isinstance(b, jax.Array)
    assert a.dtype == b.dtype == dtype and a.shape == b.shape == shape
    assert np.array_equal(a, b)
    assert getattr(init, name)(np.random.default_rng(7), shape).dtype == np.float64


@pytest.mark.parametrize(
    "name, variance",
    [
        ("glorot_uniform", lambda i, o: 2 / (i + o)),
        ("glorot_normal", lambda i, o: 2 / (i + o)),
        ("he_normal", lambda i, o: 2 / i),
        ("lecun_normal", lambda i, o: 1 / i),
    ],
)
@pytest.mark.parametrize("shape", [(400, 100), (100, 400), (3, 3, 20, 200), (5, 40, 200)])
def test_inits_have_their_variance(name, variance, shape):
    w = getattr(init, name)(np.random.default_rng(0), shape)
    expected = variance(*init.fans(shape))
    assert abs(w.mean()) < 4 * np.sqrt(expected / w.size)
    assert w.var() == pytest.approx(expected, rel=4 * np.sqrt(2 / w.size))
    limit = np.sqrt(6 / sum(init.fans(shape)))
    assert (np.abs(w).max() < limit) == (name == "glorot_uniform")
    tail = np.mean(np.abs(w) > 2 * np.sqrt(expected))  # 4.55 % of a normal that is not truncated
    assert tail == pytest.approx(0 if name == "glorot_uniform" else 0.0455, abs=0.005)


@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (4, 9), (3, 3, 2, 5), (2, 3, 20), (1, 6), (6, 1)])
@by_dtype
def test_orthogonal_is_orthogonal(shape, dtype):
    w = init.orthogonal(np.random.default_rng(0), shape, dtype)
    w = w.reshape(-1, shape[-1])
    w = w if w.shape[0] >= w.shape[1] else w.T
    assert np.allclose(w.T @ w, np.eye(w.shape[1]), atol=1e-6 if dtype == np.float32 else 1e-13)


def test_orthogonal_is_uniform():
    """A uniform rotation or reflection has both signs everywhere, mean 0 and variance 1 / 2 of each entry."""
    rng = np.random.default_rng(0)
    ws = np.array([init.orthogonal(rng, (2, 2)) for _ in range(2000)])
    assert np.abs(ws.mean(axis=0)).max() < 4 * np.sqrt(0.5 / 2000)
    assert np.allclose((ws * ws).mean(axis=0), 0.5, atol=0.04)
    assert abs(np.linalg.det(ws).mean()) < 4 / np.sqrt(2000)


# Bad input: one ValueError that names the argument, in both halves

X, ONE, IMAGE, RNG = np.ones((2, 3)), np.ones(3), np.ones((1, 4, 5, 1)), np.random.default_rng(0)
RUNNING = norm.Running(0 * ONE, ONE)
NORMS = [
    ("norm", name, args, message)
    for name in ("batch_norm", "layer_norm")
    for args, message in [
        ((X, ONE[:2], ONE), "gamma: expected shape (C,) with C = 3 as in x, got (2,)"),
        ((X, ONE, X), "beta: expected shape (C,) with C = 3 as in x, got (2, 3)"),
        ((X[:0], ONE, ONE), "x: expected shape (..., C), none of it empty, got (0, 3)"),
        ((X.astype(int), ONE, ONE), "x: expected a floating dtype, got int64"),
        ((X.astype(np.float32), ONE, ONE), "gamma: expected float32 as in x, got float64"),
        ((X, ONE, ONE, -1e-5), "eps: expected a finite number ≥ 0, got -1e-05"),
        ((X, ONE, ONE, np.nan), "eps: expected a finite number ≥ 0, got nan"),
        ((X, ONE, ONE, "a"), "eps: expected a real number, got str"),
    ]
]
POOLS = [
    ("pool", name, args, message)
    for name in ("max_pool2d", "avg_pool2d")
    for args, message in [
        ((IMAGE[0], 2), "x: expected shape (N, H, W, C), got (4, 5, 1)"),
        ((IMAGE[:0], 2), "x: expected shape (N, H, W, C), none of it empty, got (0, 4, 5, 1)"),
        ((IMAGE.astype(int), 2), "x: expected a floating dtype, got int64"),
        ((IMAGE, 0), "size: expected an integer ≥ 1, got 0"),
        ((IMAGE, 2.0), "size: expected an integer ≥ 1, got 2.0"),
        ((IMAGE, (2, 2)), "size: expected an integer ≥ 1, got (2, 2)"),
        ((IMAGE, 5), "size: expected at most 4, as x has H = 4 and W = 5, got 5"),
        ((IMAGE, 2, 0), "stride: expected an integer ≥ 1, got 0"),
        ((IMAGE, 2, 1.5), "stride: expected an integer ≥ 1, got 1.5"),
    ]
]
DRAWS = [
    ("init", name, args, message)
    for name in INITS
    for args, message in [
        ((0, (2, 3)), "rng: expected a generator as from np.random.default_rng(0), got int"),
        ((RNG, (2,)), "shape: expected two or more integers ≥ 1, got (2,)"),
        ((RNG, 2), "shape: expected two or more integers ≥ 1, got 2"),
        ((RNG, (2, 0)), "shape: expected two or more integers ≥ 1, got (2, 0)"),
        ((RNG, (2, 3), int), "dtype: expected a floating dtype, got <class 'int'>"),
    ]
]
BAD = [
    *NORMS,
    *POOLS,
    *DRAWS,
    ("norm", "batch_norm", (X[:1], ONE, ONE), "x: expected two or more entries for each feature, got 1"),
    ("norm", "batch_norm", (ONE, ONE, ONE), "x: expected two or more entries for each feature, got 1"),
    (
        "norm",
        "batch_norm_inference",
        (X, ONE, ONE, ONE, -ONE),
        "var: expected values from 0 to inf, got -1.0",
    ),
    ("norm", "batch_norm_inference", (X, ONE, ONE, X, ONE), "mean: expected shape (C,) with C = 3 as in x"),
    ("norm", "batch_norm_inference", (X[:0], ONE, ONE, ONE, ONE), "x: expected shape (..., C), none of it"),
    ("norm", "batch_norm_inference", (X, ONE, ONE, ONE, ONE, -1.0), "eps: expected a finite number ≥ 0"),
    ("norm", "running_init", (0,), "features: expected an integer ≥ 1, got 0"),
    ("norm", "running_init", (2.0,), "features: expected an integer ≥ 1, got 2.0"),
    ("norm", "running_init", (2, int), "dtype: expected a floating dtype"),
    ("norm", "running_update", (ONE, ONE, ONE, 2), "running: expected a Running (mean, var), got ndarray"),
    ("norm", "running_update", (RUNNING, ONE, -ONE, 2), "var: expected values from 0 to inf, got -1.0"),
    ("norm", "running_update", (RUNNING, ONE, ONE, 1), "n: expected an integer ≥ 2, got 1"),
    ("norm", "running_update", (RUNNING, ONE, ONE, 2, 1.0), "decay: expected a number in [0, 1), got 1.0"),
    ("norm", "running_update", (RUNNING, ONE[:2], ONE, 2), "mean: expected shape (C,) with C = 3 as in runn"),
    ("dropout", "dropout", (X, 1.0, RNG), "rate: expected a number in [0, 1), got 1.0"),
    ("dropout", "dropout", (X, -0.1, RNG), "rate: expected a number in [0, 1), got -0.1"),
    ("dropout", "dropout", (X, "a", RNG), "rate: expected a real number, got str"),
    ("dropout", "dropout", (X.astype(int), 0.5, RNG), "x: expected a floating dtype, got int64"),
    ("dropout", "dropout", (X, 0.5, 0), "rng: expected a "),
    ("init", "fans", ((3,),), "shape: expected two or more integers ≥ 1, got (3,)"),
    ("init", "fans", ((3, 2.0),), "shape: expected two or more integers ≥ 1, got (3, 2.0)"),
]


@pytest.mark.parametrize("half", ["with_numpy", "with_jax"])
@pytest.mark.parametrize("module, name, args, message", BAD)
def test_bad_input(half, module, name, args, message):
    function = getattr(importlib.import_module(f"textbook_code.{half}.{module}"), name)
    with pytest.raises(ValueError) as error:
        function(*args)
    assert str(error.value).startswith(message)


BAD_VJP = [
    (norm.batch_norm_vjp, (X[:1], X, ONE, ONE), "dy: expected shape (..., C) with ... = (2,) as in x"),
    (
        norm.batch_norm_vjp,
        (X[:1], X[:1], ONE, ONE),
        "x: expected two or more entries for each feature, got 1",
    ),
    (norm.batch_norm_vjp, (X, X, ONE, ONE, -1.0), "eps: expected a finite number ≥ 0"),
    (norm.batch_norm_inference_vjp, (ONE, X, ONE, ONE, ONE, ONE), "dy: expected shape (..., C) with"),
    (norm.batch_norm_inference_vjp, (X, X, ONE, ONE, ONE, -ONE), "var: expected values from 0 to inf"),
    (
        norm.layer_norm_vjp,
        (X[:, :2], X, ONE, ONE),
        "dy: expected shape (..., C) with ... = (2,) as in x, C = 3",
    ),
    (norm.layer_norm_vjp, (X, X, ONE, ONE, -1.0), "eps: expected a finite number ≥ 0"),
    (dropout.dropout_vjp, (X, X, 0.5), "mask: expected a boolean array of shape (2, 3), got float64"),
    (
        dropout.dropout_vjp,
        (X, X[0] > 0, 0.5),
        "mask: expected a boolean array of shape (2, 3), got bool of sh",
    ),
    (dropout.dropout_vjp, (X, [True], 0.5), "mask: expected a boolean array of shape (2, 3), got list"),
    (dropout.dropout_vjp, (X, X > 0, 1), "rate: expected a number in [0, 1), got 1"),
    (jax_dropout.dropout, (X, 0.5, RNG), "rng: expected a key as from jax.random.key(0), got Generator"),
    (
        jax_dropout.dropout,
        (X, 0.5, jax.random.PRNGKey(0)),
        "rng: expected a key as from jax.random.key(0), got",
    ),
    (jax_dropout.dropout, (X, 0.5, jax.random.split(jax.random.key(0))), "rng: expected a key as from"),
    (
        dropout.dropout,
        (X, 0.5, jax.random.key(0)),
        "rng: expected a generator as from np.random.default_rng(0)",
    ),
    *(
        (f_vjp, args, message)
        for f_vjp in (pool.max_pool2d_vjp, pool.avg_pool2d_vjp)
        for args, message in [
            (
                (IMAGE, IMAGE, 2),
                "dy: expected shape (N, HO, WO, C) with N = 1 as in windows of x, HO = 2 as",
            ),
            ((IMAGE, IMAGE, 5), "size: expected at most 4, as x has H = 4 and W = 5, got 5"),
            ((IMAGE, IMAGE, 2, -1), "stride: expected an integer ≥ 1, got -1"),
            (
                (IMAGE[:, :2, :2].astype(np.float32), IMAGE, 2),
                "dy: expected float64 as in windows of x, got float32",
            ),
        ]
    ),
]


@pytest.mark.parametrize("function, args, message", BAD_VJP)
def test_bad_input_of_derivatives_and_keys(function, args, message):
    with pytest.raises(ValueError) as error:
        function(*args)
    assert str(error.value).startswith(message)


def test_value_checks_are_skipped_under_jit():
    y = jax.jit(jax_norm.batch_norm_inference)(*(a.astype(np.float32) for a in (X, ONE, ONE, ONE, ONE)))
    assert np.array_equal(y, np.ones((2, 3)))
    y, _ = jax.jit(jax_dropout.dropout)(np.ones(3, np.float32), 0.0, jax.random.key(0))
    assert y.tolist() == [1, 1, 1]
