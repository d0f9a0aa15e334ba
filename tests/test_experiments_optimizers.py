"""What chapter 9 claims beyond its doctests: rates, bounds, unbiasedness; and bad input."""

import numpy as np
import pytest

from textbook_code.experiments import optimizers as lab
from textbook_code.with_numpy import optim


def bowl(*curvature):
    return lambda w, t: np.array(curvature) * w


def test_gradient_descent_at_its_best_rate_shrinks_by_the_condition_number():
    path = lab.walk(bowl(1.0, 9.0), [1.0, 1.0], lab.optimizer("sgd"), 2 / 10, 20)
    lengths = np.linalg.norm(path, axis=1)
    assert np.allclose(lengths[1:] / lengths[:-1], 8 / 10)


@pytest.mark.parametrize("kappa", [4.0, 25.0, 100.0])
def test_best_momentum_has_the_root_of_the_condition_number(kappa):
    beta = ((np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)) ** 2
    lr = (1 + np.sqrt(beta)) ** 2 / kappa
    curvature = np.geomspace(1, kappa, 30)
    assert lab.momentum_radius(curvature, lr, beta) == pytest.approx(np.sqrt(beta), rel=1e-6)
    for other in (0.98 * lr, 1.02 * lr):
        assert lab.momentum_radius(curvature, other, beta) > np.sqrt(beta) + 1e-3


def test_radius_is_what_a_walk_shrinks_by():
    radius = lab.momentum_radius(np.array([1.0]), 0.05, 0.5)  # two real roots
    path = lab.walk(bowl(1.0), [1.0], lab.optimizer("momentum", beta=0.5), 0.05, 99).ravel()
    assert abs(path[-1] / path[-2]) == pytest.approx(radius, rel=1e-6)


def test_radius_of_a_swinging_error_is_the_root_of_beta():
    assert lab.momentum_radius(np.array([1.0]), 0.1, 0.5) == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_momentum_is_stable_up_to_twice_one_plus_beta_over_the_curvature(beta):
    limit = 2 * (1 + beta) / 7.0
    assert lab.momentum_radius(np.array([7.0]), 0.999 * limit, beta) < 1
    assert lab.momentum_radius(np.array([7.0]), 1.001 * limit, beta) > 1


def test_adam_does_not_notice_the_scale_of_the_loss():
    def path(scale):
        grad = bowl(scale, 30 * scale)
        return lab.walk(grad, [1.0, 1.0], lab.optimizer("adam", eps=0.0), 0.1, 30)

    assert np.allclose(path(1.0), path(1e6))
    assert np.allclose(path(1.0), path(1e-6))


def test_adams_step_stays_below_the_rate_for_steady_and_noisy_gradients():
    rng = np.random.default_rng(0)
    for grad in (lambda w, t: np.full(100, 5.0), lambda w, t: rng.standard_normal(100)):
        steps = np.diff(lab.walk(grad, np.zeros(100), lab.optimizer("adam"), 1.0, 200), axis=0)
        assert np.abs(steps).max() < 1.3


def test_decay_and_l2_are_the_same_in_sgd_and_not_in_adam():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((50, 3)) * np.array([1.0, 10.0, 0.1])

    def end(name, inside, outside):
        init, update = lab.optimizer(name)
        params = (np.ones(3),)
        state = init(params)
        for g in noise:
            grads = (g + inside * params[0],)
            params[0][:] *= 1 - 0.01 * outside
            params, state = update(grads, state, params, 0.01)
        return params[0]

    assert np.allclose(end("sgd", 0.5, 0), end("sgd", 0, 0.5))
    assert not np.allclose(end("adam", 0.5, 0), end("adam", 0, 0.5), atol=0.01)


def test_steps_until_counts_the_last_time_outside():
    path = np.array([[1.0], [0.001], [0.5], [0.001]])
    assert lab.steps_until(path, share=0.01) == 3
    assert lab.steps_until(path[:3], share=0.01) == np.inf
    assert lab.steps_until(np.array([[1.0], [np.nan]])) == np.inf
    assert lab.steps_until(path, share=2) == 0


def test_walk_leaves_the_start_alone():
    start = np.ones(2)
    lab.walk(bowl(1.0, 1.0), start, lab.optimizer("sgd"), 0.1, 3)
    assert np.array_equal(start, [1.0, 1.0])


def test_walk_counts_its_steps_from_zero_and_takes_a_gradient_that_is_the_point_itself():
    path = lab.walk(lambda w, t: [float(t)], [0.0], lab.optimizer("sgd"), 1.0, 4)
    assert path.ravel().tolist() == [0, 0, -1, -3, -6]
    path = lab.walk(lambda w, t: w, [1.0], lab.optimizer("momentum"), 0.5, 1)
    assert path.ravel().tolist() == [1, 0.5]


def test_noise_scale_is_noise_over_gradient():
    rng = np.random.default_rng(0)
    gradients = 2.0 + rng.standard_normal((200_000, 3))
    assert lab.noise_scale(gradients) == pytest.approx(3 / 12, rel=0.02)


def test_the_error_of_runs_is_the_squared_distance_in_all_directions():
    x, y = np.eye(2), np.array([[1.0], [2.0]])
    error = lab.least_squares_runs(x, y, np.array([[0, 1]]), lr=0.25)
    assert error.tolist() == [((0.25 + 4) + (1 + 1)) / 2]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
def test_a_rate_far_too_large_stops_the_network_and_overflows_nothing(name):
    assert lab.digit_run(lab.optimizer(name), lr=1e6, epochs=1)[-10:].mean() > 2


@pytest.mark.parametrize("replace", [True, False])
def test_rows_are_drawn_as_they_should(replace):
    rows = lab.draw_rows(30, 4, 5, np.random.default_rng(0), replace)
    assert rows.shape == (120, 5)
    whole = [len(np.unique(rows[30 * e : 30 * e + 30, r])) == 30 for e in range(4) for r in range(5)]
    assert all(whole) != replace
    assert not np.array_equal(rows[:, 0], rows[:, 1])


def test_the_search_for_a_rate_ends_with_the_first_that_is_no_better(monkeypatch):
    steps, limits = {1.0: np.inf, 0.5: 30.0, 0.25: 20.0, 0.12: np.inf, 0.06: 1.0}, []
    monkeypatch.setattr(lab, "steps_to_loss", lambda size, lr, limit: limits.append(limit) or steps[lr])
    assert lab.fewest_steps(4, limit=100) == (20.0, 0.25)
    assert limits == [100, 100, 30, 20]
    steps[0.5] = steps[0.25] = steps[0.06] = np.inf
    assert lab.fewest_steps(4)[0] == np.inf


def test_the_figure_of_batch_sizes_uses_tuned_rates():
    assert lab.fewest_steps(64)[1] == 1.0
    assert lab.fewest_steps(16)[1] == 0.5
    assert lab.fewest_steps(4)[1] == 0.25


@pytest.mark.parametrize(
    "name, lr", [("sgd", 0.5), ("momentum", 0.1), ("adagrad", 0.1), ("rmsprop", 0.01), ("adam", 0.01)]
)
def test_the_figure_of_the_digits_uses_tuned_rates(name, lr):
    def loss(rate):
        return lab.digit_run(lab.optimizer(name), rate)[-56:].mean()

    # Neighbors on the grid can be as good up to chance: Adam at 0.01 and 0.03 differ by a few percent.
    assert loss(lr) < 1.05 * min(loss(0.3 * lr), loss(3 * lr))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: lab.optimizer("adamax"), "name: expected an optimizer, got 'adamax'"),
        (lambda: lab.walk(None, [1.0], (optim.sgd_init, None), 0.1, -1), "steps: expected ≥ 0, got -1"),
        (lambda: lab.steps_until(np.ones((2, 1)), 0), "share: expected > 0, got 0"),
        (lambda: lab.momentum_radius(np.ones(1), 0.1, 1.0), "beta: expected in [0, 1), got 1.0"),
        (lambda: lab.noise_scale(np.ones((1, 2))), "gradients: expected at least two rows, got 1"),
        (lambda: lab.steps_to_loss(32, 0.1, limit=0), "limit: expected > 0, got 0"),
        (
            lambda: lab.least_squares_runs(np.ones((2, 1)), np.ones((2, 1)), np.array([[2]]), 0.1),
            "rows: expected below 2, got 2",
        ),
        (
            lambda: lab.least_squares_runs(np.ones((2, 1)), np.ones((2, 1)), np.array([[-1]]), 0.1),
            "rows: expected ≥ 0, got -1",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
