"""What chapter 2 claims about gradient descent beyond the numbers on its page."""

import numpy as np
import pytest

from textbook_code import check, data
from textbook_code.experiments import gradient_descent as lab
from textbook_code.with_numpy import activations, losses, optim
from textbook_code.with_numpy.mlp import Layer, mlp, mlp_init, mlp_loss_and_grads

RELU, TANH = (activations.relu, activations.relu_vjp), (activations.tanh, activations.tanh_vjp)
CROSS_ENTROPY, MSE = (losses.cross_entropy, losses.cross_entropy_vjp), (losses.mse, losses.mse_vjp)
SIZES = [64, 8, 10]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def few():
    x, labels = data.digits()
    return x[:50].reshape(-1, 64), labels[:50]


def test_descend_follows_the_factor_of_the_parabola():
    for product in (0.3, 1.7, 2.3):
        path = lab.descend(lambda w: w, [1.0], product, steps=6).ravel()
        assert np.allclose(path, (1 - product) ** np.arange(7))


def test_descend_keeps_its_start_and_copies_the_points():
    start = np.ones(3)
    path = lab.descend(lambda w: w, start, 0.5, steps=2)
    assert start.tolist() == [1, 1, 1]
    assert path[:, 0].tolist() == [1, 0.5, 0.25]


def test_descend_takes_other_optimizers():
    momentum = optim.momentum_init, optim.momentum_update
    path = lab.descend(np.ones_like, [0.0], 1.0, 3, momentum).ravel()
    assert np.allclose(path, [0, -1, -2.9, -5.61])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lab.descend(np.ones_like, [0.0], 0.1, -1), "steps: expected ≥ 0, got -1"),
        (
            lambda: lab.as_layers(np.zeros(5), [1, 2]),
            r"w: expected shape \(4,\) for sizes \[1, 2\], got \(5,\)",
        ),
        (
            lambda: lab.sharpness(np.zeros_like, np.zeros(2), np.random.default_rng(0), steps=0),
            "steps: expected ≥ 1, got 0",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        call()


def test_rises_do_not_count_rounding():
    assert lab.rises([1.0, 1.0 + 1e-15, 1.0]) == 0
    assert lab.rises([1.0, 1.001, 1.0]) == 1


def test_vector_and_layers_are_the_same_network(rng):
    layers = mlp_init(rng, [3, 4, 5, 2])
    again = lab.as_layers(lab.as_vector(layers), [3, 4, 5, 2])
    for layer, copy in zip(layers, again, strict=True):
        assert np.array_equal(layer.w, copy.w)
        assert np.array_equal(layer.b, copy.b)


def test_network_is_the_package_s_loss_and_gradient(rng, few):
    layers = mlp_init(rng, SIZES)
    net, w = lab.network(SIZES, RELU, CROSS_ENTROPY), lab.as_vector(layers)
    loss, grads = mlp_loss_and_grads(layers, *few)
    assert np.isclose(net.value(w, *few), loss)
    assert np.allclose(net.gradient(w, *few), lab.as_vector(grads))


def test_gradient_of_the_deep_network_is_a_difference_quotient(rng, few):
    x, labels = few
    onehot = np.eye(10)[labels]
    net, w = lab.network(SIZES, TANH, MSE), lab.as_vector(mlp_init(rng, SIZES))
    [u] = lab.random_directions(rng, 1, w.size)
    h = check.STEP
    quotient = (net.value(w + h * u, x, onehot) - net.value(w - h * u, x, onehot)) / (2 * h)
    assert np.isclose(net.gradient(w, x, onehot) @ u, quotient, rtol=1e-6)


@pytest.mark.parametrize("size", [10, 400])
def test_a_random_direction_has_one_over_p_of_the_squared_slope(rng, size):
    u = lab.random_directions(rng, 4000, size)
    share = u @ np.full(size, size**-0.5)
    assert np.isclose(np.mean(share**2), 1 / size, rtol=0.1)
    best = share.reshape(-1, 4).max(axis=1).mean()
    assert best < np.sqrt(2 * np.log(4) / size)


def test_no_direction_of_length_one_is_steeper_than_the_gradient(rng):
    g = rng.standard_normal(20)
    slopes = lab.random_directions(rng, 1000, 20) @ g
    assert slopes.min() > -np.linalg.norm(g)


def test_random_search_never_rises_and_stays_where_nothing_is_lower(rng):
    losses_seen = lab.random_search(lambda w: w @ w, np.ones(5), 0.3, 3, 50, rng)
    assert np.all(np.diff(losses_seen) <= 0)
    assert losses_seen[-1] < losses_seen[0]
    tried = []
    still = lab.random_search(lambda w: tried.append(w) or w @ w, np.zeros(5), 0.3, 3, 5, rng)
    assert still.tolist() == [0] * 6
    assert np.allclose(np.linalg.norm(tried[1:], axis=1), 0.3)


def test_random_search_turns_back_where_the_loss_is_not_a_number(rng):
    losses_seen = lab.random_search(
        lambda w: np.sqrt(w[0]) if w[0] >= 0 else np.nan, np.ones(1), 0.4, 1, 50, rng
    )
    assert np.isfinite(losses_seen).all()


def test_a_slice_begins_at_the_point_and_follows_the_direction():
    heights = lab.along(
        lambda w: w[0], np.array([1.0, 0.0]), np.array([3.0, 4.0]), np.array([-1.0, 0.0, 2.0])
    )
    assert heights.tolist() == [-2, 1, 7]


def test_filter_normalization_gives_each_unit_its_own_length(rng):
    layers, direction = mlp_init(rng, SIZES), mlp_init(rng, SIZES)
    for d, layer in zip(lab.filter_normalized(direction, layers), layers, strict=True):
        assert np.allclose(np.linalg.norm(d.w, axis=0), np.linalg.norm(layer.w, axis=0))


@pytest.mark.parametrize("factor", [0.1, 30.0])
def test_filter_normalization_undoes_a_rescaling_that_changes_nothing(rng, few, factor):
    (w1, b1), (w2, b2) = layers = mlp_init(rng, SIZES)
    same = Layer(factor * w1, factor * b1), Layer(w2 / factor, b2)
    direction = mlp_init(rng, SIZES)
    moved = [
        [
            Layer(p.w + d.w, p.b + d.b)
            for p, d in zip(network, lab.filter_normalized(direction, network), strict=True)
        ]
        for network in (layers, same)
    ]
    out, out_same = (mlp(few[0], network, activations.relu) for network in moved)
    assert np.allclose(out, out_same)


def test_sharpness_is_the_largest_eigenvalue_of_least_squares(rng):
    x, y, _w = data.linear(200, features=5)
    line = lab.network([5, 1], RELU, MSE)
    with_one = np.hstack([x, np.ones((200, 1))])
    exact = np.linalg.eigvalsh(with_one.T @ with_one / 100)[-1]
    curvature, v = lab.sharpness(lambda w: line.gradient(w, x, y), np.zeros(6), rng, steps=200)
    assert np.isclose(curvature, exact, rtol=1e-4)
    assert np.isclose(np.linalg.norm(v), 1)


def test_sharpness_can_be_negative(rng):
    curvatures = np.array([1.0, -3.0, 2.0])
    assert np.isclose(lab.sharpness(lambda w: curvatures * w, np.zeros(3), rng, steps=60)[0], -3)


@pytest.mark.parametrize(("product", "rising"), [(1.9, False), (2.2, True)])
def test_descent_lemma_on_least_squares(product, rising):
    x, y, _w = data.linear(200, features=5)
    line = lab.network([5, 1], RELU, MSE)
    with_one = np.hstack([x, np.ones((200, 1))])
    top = np.linalg.eigvalsh(with_one.T @ with_one / 100)[-1]
    path = lab.descend(lambda w: line.gradient(w, x, y), np.zeros(6), product / top, 100)
    assert (lab.rises([line.value(w, x, y) for w in path]) > 0) == rising


@pytest.mark.parametrize("seed", [2, 6])
def test_most_random_slices_bend_up_at_other_starts_too(seed):
    images, labels = data.digits()
    x = images.reshape(-1, 64)
    net = lab.network([64, 32, 10], RELU, CROSS_ENTROPY)
    w = lab.as_vector(mlp_init(np.random.default_rng(seed), [64, 32, 10]))
    at = np.array([-0.3, 0, 0.3])
    slices = [
        lab.along(lambda w: net.value(w, x, labels), w, u, at)
        for u in lab.random_directions(np.random.default_rng(1), 100, w.size)
    ]
    assert np.mean(np.array(slices) @ [1, -2, 1] > 0) > 0.8


def test_halving_the_rate_stops_the_rises_at_the_edge_of_stability(rng):
    x, labels = (part[:100] for part in data.digits())
    x, onehot = x.reshape(-1, 64), np.eye(10)[labels]
    net = lab.network([64, 32, 32, 10], TANH, MSE)
    start = lab.as_vector(mlp_init(rng, [64, 32, 32, 10], gain=0.25))

    def gradient(w):
        return net.gradient(w, x, onehot)

    path = lab.descend(gradient, start, 1.0, 500)
    assert lab.rises([net.value(w, x, onehot) for w in path]) > 100
    path = lab.descend(gradient, path[-1], 0.5, 200)
    assert lab.rises([net.value(w, x, onehot) for w in path]) == 0


def test_a_plane_has_no_sharpness(rng):
    curvature, v = lab.sharpness(np.ones_like, np.zeros(3), rng)
    assert curvature == 0.0 and np.isclose(np.linalg.norm(v), 1)
