"""What chapter 3 claims about minima, beyond the numbers that its page prints."""

import numpy as np
import pytest

from textbook_code import check
from textbook_code.experiments import local_minima as lab
from textbook_code.experiments.gradient_descent import as_layers, as_vector
from textbook_code.with_numpy.activations import tanh, tanh_vjp
from textbook_code.with_numpy.losses import mse, mse_vjp
from textbook_code.with_numpy.mlp import mlp, mlp_vjp


def test_many_networks_at_once_are_the_networks_of_the_package():
    x, y = lab.wave(7)
    x = np.hstack([x, x**2])
    theta = lab.start(np.random.default_rng(0), 3, inputs=2, width=4)
    loss, gradient = lab.loss_and_gradient(theta, x, y)
    for i, row in enumerate(theta):
        layers = as_layers(row, [2, 4, 1])
        out = mlp(x, layers, tanh)
        _, grads = mlp_vjp(mse_vjp(1.0, out, y[:, None]), x, layers, tanh, tanh_vjp)
        assert np.isclose(loss[i], mse(out, y[:, None]))
        assert np.allclose(gradient[i], as_vector(grads))


def test_gradient_with_decay_is_that_of_the_loss():
    x, y = lab.wave(5)
    theta = lab.start(np.random.default_rng(0), 1, 1, 3)[0]
    gap = check.gradient_check(
        lambda theta: lab.loss_and_gradient(theta, x, y, 0.1)[0],
        lambda u, theta: (u * lab.loss_and_gradient(theta, x, y, 0.1)[1],),
        (theta,),
    )
    assert gap < 1e-8


def test_hessian_of_a_quadratic_is_its_matrix():
    a = np.random.default_rng(0).standard_normal((5, 5))
    a = a + a.T
    points = np.random.default_rng(1).standard_normal((2, 3, 5))
    h = lab.hessian(lambda theta: theta @ a, points)
    assert np.allclose(h, a, atol=1e-8)
    assert np.array_equal(h, np.swapaxes(h, -1, -2))


def test_digits_gradient_is_that_of_the_loss():
    gradient, theta, loss = lab.digits_task(images=20, width=3)
    v = np.random.default_rng(0).standard_normal(theta.shape)
    difference = (loss(theta + 1e-5 * v) - loss(theta - 1e-5 * v)) / 2e-5
    assert np.isclose(gradient(theta) @ v, difference, rtol=1e-6)


def test_descend_keeps_its_start_and_copies_the_points():
    begin = np.ones(2)
    path = lab.descend(lambda theta: 2 * theta, begin, 0.1, 20, stops=2)
    assert begin.tolist() == [1, 1]
    assert np.all(np.diff(path[:, 0]) < 0)


def test_descend_slows_down_to_the_end():
    path = lab.descend(np.ones_like, np.zeros(1), 0.1, 100, stops=100).ravel()
    assert np.allclose(-np.diff(path), 0.05 * (1 + np.cos(np.pi * np.arange(100) / 100)), atol=1e-6)


def test_positive_share_agrees_with_eigenvalues():
    m = np.random.default_rng(0).standard_normal((100_000, 3, 3))
    counted = np.mean(np.linalg.eigvalsh(m + m.transpose(0, 2, 1))[:, 0] > 0)
    assert abs(lab.positive_share(3, 100_000)[2] / counted - 1) < 0.06


def test_a_gradient_may_hand_back_its_argument():
    assert abs(lab.descend(lambda theta: theta, np.ones(1), 0.1, 200)[-1, 0]) < 0.1


def test_too_few_samples_are_named():
    with pytest.raises(ValueError, match=r"^samples: expected more than 50, too few for size 7$"):
        lab.positive_share(9, 50)


def test_critical_points_keeps_only_critical_points_of_each_kind():
    def slope(theta):  # of (u² − 1)² + (v² − 1)²: 4 minima, 4 saddles, 1 maximum
        return 4 * theta * (theta**2 - 1)

    starts = np.random.default_rng(0).uniform(-1.5, 1.5, (200, 2))
    found = lab.critical_points(slope, starts)
    index = np.sum(np.linalg.eigvalsh(lab.hessian(slope, found)) < 0, axis=1)
    assert np.linalg.norm(slope(found), axis=1).max() < 1e-8
    assert len(lab.critical_points(slope, starts, steps=1)) == 0
    assert [len(np.unique(found[index == i].round(4) + 0.0, axis=0)) for i in range(3)] == [4, 4, 1]


@pytest.mark.parametrize("sign", [1, -1])
def test_swapped_and_flipped_units_leave_the_loss(sign):
    x, y = lab.wave()
    theta = lab.start(np.random.default_rng(0), 1, 1, 4)[0]
    copy = theta.copy()
    copy[:12] = sign * theta[:12].reshape(3, 4)[:, [2, 0, 3, 1]].ravel()
    assert np.isclose(lab.loss_and_gradient(theta, x, y)[0], lab.loss_and_gradient(copy, x, y)[0])


def test_a_bent_path_with_its_middle_in_the_middle_is_straight():
    a, b = np.array([1.0, 2.0]), np.array([3.0, -2.0])
    path = lab.bent_path(a, (a + b) / 2, b, points=5)
    assert np.allclose(path, np.linspace(a, b, 5))


def test_bend_finds_the_middle_of_least_mean_loss():
    a, b, c = np.array([1.0, 0.0]), np.array([-1.0, 0.5]), np.array([0.3, 2.0])
    middle = lab.bend(lambda w: w - c, a, b, lr=0.1, steps=1000)
    t = np.linspace(0, 1, 21)[:, None]
    q, rest = 2 * t * (1 - t), c - lab.bent_path(a, np.zeros(2), b)
    assert np.allclose(middle, np.sum(q * rest, axis=0) / np.sum(q**2), atol=1e-4)


@pytest.mark.parametrize(
    "f, slope",
    [
        (lab.rugged, lab.rugged_slope),
        (lambda w: (w * w - 1) ** 2, lab.double_well_slope),
        (
            lambda w: lab.unit_loss(w, np.array([0.5, 2.0]), np.array([1.0, 0.0])),
            lambda w: lab.unit_slope(w, np.array([0.5, 2.0]), np.array([1.0, 0.0])),
        ),
    ],
    ids=["rugged", "double well", "unit"],
)
def test_slopes_are_derivatives(f, slope):
    w = np.linspace(-3, 3, 11)
    assert np.allclose((f(w + 1e-6) - f(w - 1e-6)) / 2e-6, slope(w), atol=1e-7)


def test_plain_gradient_descent_never_crosses_a_peak():
    starts = np.linspace(-6, 6, 101)
    path = starts
    for _ in range(50):
        path = lab.walk(lab.rugged_slope, path, lr=0.1, steps=1)
        assert np.diff(path).min() > -1e-12


def test_walk_steps_as_the_package_s_momentum():
    from textbook_code.with_numpy.optim import momentum_init, momentum_update

    w = np.array([2.0, -1.0])
    params, state = (w.copy(),), momentum_init((w,))
    for _ in range(5):
        params, state = momentum_update((lab.rugged_slope(params[0]),), state, params, 0.01, 0.9)
    assert np.allclose(params[0], lab.walk(lab.rugged_slope, w, 0.01, 5, beta=0.9))


def test_leaving_a_saddle_takes_as_long_on_either_side():
    assert lab.saddle_steps(-1e-3) == lab.saddle_steps(1e-3)


def test_lasso_bound_never_exceeds_the_loss_of_any_point():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((10, 20)), rng.standard_normal(10)
    loss, bound = lab.lasso_bounds(x, y, 0.1, steps=3000)
    assert bound.max() <= loss.min() + 1e-12
    assert np.all(np.diff(loss) < 1e-12)
    assert loss[-1] - bound[-1] < 1e-6


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: lab.wave(1), "n: expected ≥ 2, got 1"),
        (
            lambda: lab.loss_and_gradient(np.zeros(9), *lab.wave()),
            "theta: expected width · 3 + 1 parameters, got 9",
        ),
        (lambda: lab.descend(np.sign, np.ones(1), 0.1, 10, 3), "steps: expected a multiple of 3, got 10"),
        (lambda: lab.hessian(np.sign, np.ones(1), 0), "step: expected > 0, got 0"),
        (lambda: lab.positive_share(0, 10), "n: expected ≥ 1, got 0"),
        (lambda: lab.walk(np.sign, np.ones(1), 0.1, 1, beta=1), "beta: expected in [0, 1), got 1"),
        (lambda: lab.passage_steps(0), "noise: expected > 0, got 0"),
        (lambda: lab.passage_steps(1, lr=0), "lr: expected > 0, got 0"),
        (lambda: lab.saddle_steps(0), "offset: expected not 0, got 0"),
        (lambda: lab.saddle_steps(1e-3, lr=0), "lr: expected > 0, got 0"),
        (lambda: lab.lasso_bounds(np.eye(2), np.ones(2), 0, 1), "penalty: expected > 0, got 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message
