"""The tape: its gradients are those by hand, by JAX and by difference, and what does not fit is named."""

import doctest
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textbook_code import check, tape
from textbook_code.tape import Variable, backward, on_tape
from textbook_code.with_numpy.activations import relu, relu_vjp
from textbook_code.with_numpy.dense import dense, dense_vjp
from textbook_code.with_numpy.losses import cross_entropy, cross_entropy_vjp
from textbook_code.with_numpy.mlp import mlp, mlp_init, mlp_vjp


def on_one_tape(*values):
    steps = []
    return [Variable(value, steps) for value in values]


def run(f, *args):
    """Give f's value and its gradients."""
    xs = on_one_tape(*args)
    y = f(*xs)
    return y.value, backward(y, *xs)


def draw(*shapes):
    return check.draw(shapes)


# name, the formula for Variables and for JAX alike, shapes; entries of both signs, 0.1 to 2 in size
OPERATIONS = [
    ("neg", lambda x: -x, [(2, 3)]),
    ("add", lambda x, y: x + y, [(2, 3), (2, 3)]),
    ("add broadcast", lambda x, y: x + y, [(2, 3), (3,)]),
    ("add both broadcast", lambda x, y: x + y, [(2, 1), (1, 3)]),
    ("add scalar", lambda x, y: x + y, [(), (2, 3)]),
    ("add number", lambda x: 2 + (x + 1.5), [(2, 3)]),
    ("sub broadcast", lambda x, y: x - y, [(3, 1), (2, 1, 4)]),
    ("sub number", lambda x: (1 - x) - 3, [(2, 3)]),
    ("mul", lambda x, y: x * y, [(2, 3), (2, 3)]),
    ("mul broadcast", lambda x, y: x * y, [(3,), (2, 3)]),
    ("mul one entry", lambda x, y: x * y, [(1, 1), (2, 3)]),
    ("mul number", lambda x: 3 * x * 0.5, [(2, 3)]),
    ("div broadcast", lambda x, y: x / y, [(2, 3), (2, 1)]),
    ("div number", lambda x: (2 / x) / 4, [(2, 3)]),
    ("square", lambda x: x**2, [(2, 3)]),
    ("power -1", lambda x: x**-1, [(2, 3)]),
    ("power 1", lambda x: x**1, [(2, 3)]),
    ("power 0", lambda x: x**0, [(2, 3)]),
    ("square root", lambda x: (x * x) ** 0.5, [(2, 3)]),
    ("matmul", lambda x, y: x @ y, [(2, 3), (3, 4)]),
    ("matmul one entry", lambda x, y: x @ y, [(1, 1), (1, 1)]),
    ("sum", lambda x: x.sum(), [(2, 3)]),
    ("sum of a scalar", lambda x: x.sum(), [()]),
    ("sum axis", lambda x: x.sum(axis=0), [(2, 3)]),
    ("sum positional", lambda x: x.sum(-1), [(2, 3)]),
    ("sum axes", lambda x: x.sum(axis=(0, 2)), [(2, 3, 4)]),
    ("sum keepdims", lambda x: x - x.sum(axis=1, keepdims=True), [(2, 3)]),
    ("mean", lambda x: x.mean(), [(2, 3)]),
    ("mean axis", lambda x: x.mean(axis=(0, 1)), [(2, 3, 4)]),
    ("mean keepdims", lambda x: x - x.mean(axis=-1, keepdims=True), [(2, 3)]),
    ("reshape", lambda x, y: x.reshape(3, 2) @ y, [(2, 3), (2, 2)]),
    ("reshape -1", lambda x: x.reshape(-1) * x.reshape(6), [(2, 3)]),
    ("transpose", lambda x, y: x.T @ y, [(2, 3), (2, 4)]),
    ("transpose 3", lambda x, y: x.T * y, [(2, 3, 4), (4, 3, 2)]),
]
FUNCTIONS = [
    ("exp", Variable.exp, jnp.exp, [(2, 3)]),
    ("log", lambda x: (x * x).log(), lambda x: jnp.log(x * x), [(2, 3)]),
    ("tanh", Variable.tanh, jnp.tanh, [(2, 3)]),
    ("relu", Variable.relu, jax.nn.relu, [(2, 3)]),
]
ALL = [(name, f, f, shapes) for name, f, shapes in OPERATIONS] + FUNCTIONS
by_operation = pytest.mark.parametrize("name, f, f_jax, shapes", ALL, ids=[row[0] for row in ALL])


@by_operation
def test_gradients_are_jaxs_and_the_difference(name, f, f_jax, shapes):
    """Squared before summed, so that dy differs from entry to entry."""
    args = draw(*shapes)
    value, grads = run(lambda *xs: (f(*xs) ** 2).sum(), *args)
    with jax.enable_x64(True):
        value_jax, grads_jax = jax.value_and_grad(
            lambda *xs: (f_jax(*xs) ** 2).sum(), tuple(range(len(args)))
        )(*map(jnp.asarray, args))
    np.testing.assert_allclose(value, value_jax, rtol=1e-13)
    for x, dx, dx_jax in zip(args, grads, grads_jax, strict=True):
        assert dx.shape == x.shape
        assert dx.dtype == np.float64
        np.testing.assert_allclose(dx, dx_jax, rtol=1e-10, atol=1e-12)

    def forward(*args):
        return run(lambda *xs: (f(*xs) ** 2).sum(), *args)[0]

    def vjp(u, *args):
        return tuple(u * dx for dx in run(lambda *xs: (f(*xs) ** 2).sum(), *args)[1])

    assert check.gradient_check(forward, vjp, tuple(args)) < check.TOLERANCE_DIFFERENCE


@by_operation
def test_float32_stays(name, f, f_jax, shapes):
    args = [x.astype(np.float32) for x in draw(*shapes)]
    value, grads = run(lambda *xs: (f(*xs) ** 2).sum(), *args)
    assert {value.dtype, *(dx.dtype for dx in grads)} == {np.dtype(np.float32)}


sizes = st.lists(st.integers(1, 4), max_size=3)


@settings(max_examples=20, deadline=None)
@given(sizes, st.data())
def test_broadcasting_of_any_shapes(shape, data):
    """Two shapes made from one: some of its first axes left out, others of length 1."""
    kept = [
        tuple(data.draw(st.sampled_from([n, 1])) for n in shape)[data.draw(st.integers(0, len(shape))) :]
        for _ in range(2)
    ]
    x, y = draw(*kept)
    for f in (lambda x, y: x * y, lambda x, y: x / y, lambda x, y: x - y):
        _, grads = run(lambda x, y, f=f: (f(x, y) ** 2).sum(), x, y)
        with jax.enable_x64(True):
            expected = jax.grad(lambda x, y, f=f: (f(x, y) ** 2).sum(), (0, 1))(x, y)
        for dx, dx_jax in zip(grads, expected, strict=True):
            assert dx.shape == dx_jax.shape
            np.testing.assert_allclose(dx, dx_jax, rtol=1e-10, atol=1e-12)


# What a tape must get right


def test_a_value_used_twice_collects_both_shares():
    [x] = on_one_tape(3.0)
    assert backward(x * x, x) == (6.0,)
    assert backward(x + x + x, x) == (3.0,)
    y = x * x
    assert backward(y * y + y, x) == (4 * 3.0**3 + 2 * 3.0,)
    assert backward(y * y + y, y) == (2 * 9.0 + 1,)


def test_a_diamond_waits_for_all_shares():
    """The gradient by h is complete before it goes on to x, however the two ways differ in length."""
    value, (dx,) = run(lambda x: (lambda h: h.exp().log().tanh() + h)(2 * x), 0.3)
    assert value == pytest.approx(np.tanh(0.6) + 0.6)
    assert dx == pytest.approx(2 * (2 - np.tanh(0.6) ** 2), rel=1e-14)


def test_what_y_does_not_depend_on_gets_zeros():
    x, y, z = on_one_tape(np.array([1.0, np.inf]), 2.0, np.ones((2, 2), np.float32))
    _ = x * 3.0
    grads = backward(y * y, x, y, z)
    assert [g.tolist() for g in grads] == [[0.0, 0.0], 4.0, [[0.0, 0.0], [0.0, 0.0]]]
    assert grads[2].dtype == np.float32


def test_a_tape_can_be_read_again_and_go_on():
    [x] = on_one_tape(np.array([1.0, 2.0]))
    y = (x * x).sum()
    first, second = backward(y, x), backward(y, x)
    assert first[0].tolist() == second[0].tolist() == [2.0, 4.0]
    z = y * y + x.sum()  # y is used after its backward, and x too
    assert backward(z, x)[0].tolist() == [2 * 5 * 2.0 + 1, 2 * 5 * 4.0 + 1]
    assert backward(y, x)[0].tolist() == [2.0, 4.0]  # later steps do not count


def test_gradients_are_the_callers_own():
    x, y = on_one_tape(np.ones(2), np.ones(2))
    dx, dy = backward((x + y).sum(), x, y)
    dx += 5
    assert dy.tolist() == [1.0, 1.0]
    assert backward((x + y).sum(), x)[0].tolist() == [1.0, 1.0]


def test_arguments_stay_as_they_were():
    args = draw((2, 3), (3, 2), (2,))
    copies = [a.copy() for a in args]
    for a in args:
        a.flags.writeable = False
    run(lambda x, w, b: ((x @ w + b).tanh() ** 2).mean(), *args)
    for a, copy in zip(args, copies, strict=True):
        np.testing.assert_array_equal(a, copy)


def test_constants_on_either_side():
    [x] = on_one_tape(np.array([[1.0, 2.0]]))
    a = np.array([[3.0], [4.0]])
    assert (x @ a).value.tolist() == [[11.0]]
    assert (a @ x).value.tolist() == [[3.0, 6.0], [4.0, 8.0]]
    assert (a.T * x).value.tolist() == [[3.0, 8.0]]
    assert (a.T - x).value.tolist() == [[2.0, 2.0]]
    assert (a.T / x).value.tolist() == [[3.0, 2.0]]
    assert (np.array([[1, 2]]) + x).value.tolist() == [[2.0, 4.0]]
    assert backward((a @ x).sum(), x)[0].tolist() == [[7.0, 7.0]]


def test_power_zero_at_zero_and_relu_at_zero():
    assert run(lambda x: (x**0).sum(), np.zeros(2))[1][0].tolist() == [0.0, 0.0]
    assert run(lambda x: x.relu().sum(), np.zeros(2))[1][0].tolist() == [0.0, 0.0]


def test_the_tape_is_a_list_in_the_order_of_execution():
    steps = []
    x = Variable(2.0, steps)
    y = -((1 + x * 3).log() ** 2) / 4
    names = [name for name, *_ in steps]
    assert names == ["multiply", "add", "log", "pow", "negative", "divide"]
    assert steps[-1][2] is y
    assert steps[0][1] == (x, 3)


# A network


def log_sum_exp(z):
    top = z.value.max(axis=1, keepdims=True)  # a constant: the result does not depend on it
    return (z - top).exp().sum(axis=1, keepdims=True).log() + top


def mlp_loss(x, labels, *params):
    """The loss of an MLP with ReLU in the operations of the tape alone."""
    h = x
    for w, b in zip(params[:-2:2], params[1:-2:2], strict=True):
        h = (h @ w + b).relu()
    z = h @ params[-2] + params[-1]
    onehot = np.eye(z.value.shape[1])[labels]
    return (log_sum_exp(z) - (z * onehot).sum(axis=1, keepdims=True)).mean()


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_an_mlp_equals_the_derivative_by_hand(scale):
    rng = np.random.default_rng(0)
    layers = mlp_init(rng, [4, 8, 6, 3])
    x, labels = scale * rng.standard_normal((5, 4)), rng.integers(0, 3, 5)
    params = [a for layer in layers for a in layer]
    value, grads = run(lambda x, *params: mlp_loss(x, labels, *params), x, *params)
    z = mlp(x, layers, relu)
    dz = cross_entropy_vjp(1.0, z, labels)
    dx, dlayers = mlp_vjp(dz, x, layers, relu, relu_vjp)
    by_hand = [dx, *(a for layer in dlayers for a in layer)]
    assert value == pytest.approx(cross_entropy(z, labels), rel=1e-12)
    for a, b in zip(grads, by_hand, strict=True):
        assert np.max(np.abs(a - b)) <= 1e-12 * np.max(np.abs(b))


def test_functions_of_the_numpy_half_go_on_the_tape():
    layer, loss = on_tape(dense, dense_vjp), on_tape(cross_entropy, cross_entropy_vjp)
    x, w, b = draw((5, 4), (4, 3), (3,))
    labels = np.array([0, 2, 1, 1, 0])
    value, (dw, db) = run(lambda w, b: loss(layer(x, w, b), labels), w, b)
    dz = cross_entropy_vjp(1.0, dense(x, w, b), labels)
    _, dw_by_hand, db_by_hand = dense_vjp(dz, x, w, b)
    assert value == cross_entropy(dense(x, w, b), labels)
    np.testing.assert_allclose(dw, dw_by_hand, rtol=1e-12)
    np.testing.assert_allclose(db, db_by_hand, rtol=1e-12)


def test_an_mlp_on_the_tape_learns_xor():
    from textbook_code.data import xor

    x, y = xor()
    layers = mlp_init(np.random.default_rng(1), [2, 8, 1])
    params = [a for layer in layers for a in layer]
    for _ in range(300):
        value, grads = run(lambda w, b, v, c: ((((x @ w + b).tanh() @ v + c) - y) ** 2).mean(), *params)
        params = [p - 0.2 * g for p, g in zip(params, grads, strict=True)]
    assert value < 1e-3


# What does not fit

X, W = np.ones((2, 3)), np.ones((4, 5))
x32 = np.ones(3, np.float32)
BAD = [
    (lambda: Variable(np.arange(3), []), "value: expected a floating dtype, got int64; convert with"),
    (lambda: Variable(np.array([True]), []), "value: expected a floating dtype, got bool"),
    (lambda: Variable("a", []), "value: expected a floating dtype, got <U1"),
    (lambda: Variable(1j, []), "value: expected a floating dtype, got complex128"),
    (lambda: Variable(np.ones(0), []), "value: expected shape (N,), none of it empty, got (0,)"),
    (lambda: run(lambda x, w: x @ w, X, W), "y: expected shape (D, M) with D = 3 as in x, got (4, 5)"),
    (lambda: run(lambda x: x @ x, np.ones(3)), "x: expected shape (N, D), got (3,)"),
    (lambda: run(lambda x: x @ 2.0, X), "y: expected shape (D, M) with D = 3 as in x, got ()"),
    (
        lambda: run(lambda x, w: x + w, X, W),
        "operands could not be broadcast together with shapes (2,3) (4,5)",
    ),
    (lambda: run(lambda x: W * x, X), "operands could not be broadcast together with shapes (2,3) (4,5)"),
    (lambda: run(lambda x: x.reshape(4), X), "cannot reshape array of size 6 into shape (4,)"),
    (lambda: run(lambda x: x * x, X), "y: expected shape (), got (2, 3)"),
    (lambda: run(lambda x: x, np.ones(1)), "y: expected shape (), got (1,)"),
    (
        lambda: run(lambda x, y: x * y, x32, np.ones(3)),
        "multiply: expected one dtype, got ['float32', 'float64']",
    ),
    (lambda: run(lambda x: x * np.ones(3), x32), "multiply: expected one dtype, got ['float32', 'float64']"),
    (
        lambda: run(lambda x: x / np.arange(1, 4), x32),
        "divide: expected one dtype, got ['float32', 'float64']",
    ),
    (lambda: Variable(1.0, []) + Variable(1.0, []), "add: expected Variables of one tape, got 2"),
    (lambda: on_tape(np.sin, np.cos)(X), "sin: expected Variables of one tape, got 0"),
    (lambda: backward(3.0), "expected Variables, got ['float']"),
    (lambda: backward(Variable(1.0, []), X), "expected Variables, got ['ndarray']"),
    (lambda: run(lambda x, n: x**n, 2.0, 3.0), "pow: lacks a derivative"),
]


@pytest.mark.parametrize("act, message", BAD, ids=[row[1][:50] for row in BAD])
def test_bad_input(act, message):
    with pytest.raises(ValueError) as error:
        act()
    assert str(error.value).startswith(message)


def test_a_failed_operation_leaves_the_tape_as_it_was():
    steps = []
    with pytest.raises(ValueError):
        Variable(X, steps) + W
    assert steps == []


def test_numpy_functions_refuse_variables():
    """Instead of making arrays of objects of them."""
    [x] = on_one_tape(X)
    with pytest.raises(TypeError, match="ufunc"):
        np.exp(x)


def test_it_is_read_in_one_sitting():
    assert len(Path(tape.__file__).read_text("utf-8").splitlines()) <= 150


def test_docstring_examples():
    results = doctest.testmod(tape)
    assert results.failed == 0 and results.attempted >= 6
