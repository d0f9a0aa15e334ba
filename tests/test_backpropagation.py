"""What the second part of chapter 2 claims about guessing, gradients and losses, and does not print."""

from itertools import pairwise

import numpy as np
import pytest

from textbook_code import data, tape
from textbook_code._tree import leaves, tree_map
from textbook_code.experiments import backpropagation as lab
from textbook_code.experiments.gradient_descent import descend
from textbook_code.with_numpy.activations import relu, sigmoid
from textbook_code.with_numpy.losses import accuracy, cross_entropy
from textbook_code.with_numpy.mlp import Layer, mlp, mlp_init, mlp_loss_and_grads

RECEIPTS = [(2, 1, 8.0), (1, 3, 14.0)]


def batch(n=16):
    x, labels = data.digits()
    return x[:n].reshape(n, 64), labels[:n]


def layers_of(*sizes):
    return mlp_init(np.random.default_rng(0), sizes)


def after(step, turns=200):
    prices = 1.0, 1.0
    for _ in range(turns):
        prices = lab.correct_once(*prices, RECEIPTS, step)
    return prices


def test_the_limit_of_the_step_is_two_over_the_curvature():
    counts = np.array([[2, 1], [1, 3]])
    limit = 2 / np.linalg.eigvalsh(2 * counts.T @ counts).max()
    assert after(0.98 * limit) == pytest.approx((2.0, 4.0), abs=0.1)
    assert lab.wrongness(*after(1.02 * limit), RECEIPTS) > 125


def test_the_real_prices_are_where_the_correction_rests():
    assert lab.wrongness(2.0, 4.0, RECEIPTS) == 0
    assert lab.correct_once(2.0, 4.0, RECEIPTS, 0.05) == pytest.approx((2.0, 4.0), abs=1e-3)


def test_the_slope_of_the_valleys_is_their_derivative():
    x = np.linspace(-2, 2, 41)
    by_difference = (lab.two_valleys(x + 1e-6) - lab.two_valleys(x - 1e-6)) / 2e-6
    assert lab.two_valleys_slope(x) == pytest.approx(by_difference, abs=1e-7)


@pytest.mark.parametrize("lr", [0.005, 0.01, 0.02])
def test_the_walker_stays_in_the_near_valley_and_never_turns(lr):
    path = descend(lab.two_valleys_slope, [1.8], lr, 1000).ravel()
    assert np.all(np.diff(path) <= 0)
    assert path[-1] == pytest.approx(0.96, abs=0.01)


@pytest.mark.parametrize("sizes", [(64, 10), (64, 8, 10), (64, 8, 6, 10)])
def test_tape_hand_and_differences_agree(sizes):
    x, labels = batch()
    layers = layers_of(*sizes)
    loss, grads = mlp_loss_and_grads(layers, x, labels)
    taped, variables = lab.mlp_on_tape(layers, x, labels)
    assert taped.value == pytest.approx(float(loss), rel=1e-12)
    for by_hand, by_tape in zip(leaves(grads), tape.backward(taped, *leaves(variables)), strict=True):
        assert by_tape == pytest.approx(by_hand, abs=1e-12)
    moved = lab.finite_differences(lambda net: cross_entropy(mlp(x, net, relu), labels), layers)
    for by_hand, by_difference in zip(leaves(grads), leaves(moved), strict=True):
        assert by_difference == pytest.approx(by_hand, abs=1e-8)


def test_differences_take_two_evaluations_a_parameter_and_leave_the_parameters():
    params = (np.arange(3.0), np.ones((2, 2)))
    params[0].flags.writeable = False
    before = tree_map(np.copy, params)
    seen = []
    lab.finite_differences(lambda p: seen.append(1) or 0.0, params)
    assert len(seen) == 2 * 7
    assert all(np.array_equal(a, b) for a, b in zip(params, before, strict=True))


@pytest.mark.parametrize("dtype", [int, np.float32])
def test_differences_of_whole_and_of_short_numbers_are_right_too(dtype):
    [g] = lab.finite_differences(lambda params: np.sum(params[0] ** 2), (np.array([1, 3], dtype),))
    assert g == pytest.approx([2.0, 6.0], abs=1e-6)


def test_the_tape_keeps_the_dtype():
    x, labels = batch()
    layers = mlp_init(np.random.default_rng(0), (64, 8, 10), dtype=np.float32)
    taped, variables = lab.mlp_on_tape(layers, x.astype(np.float32), labels)
    grads = tape.backward(taped, *leaves(variables))
    assert {taped.value.dtype, *(g.dtype for g in grads)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("sizes", [(64, 10), (64, 4, 10), (5, 32, 32, 32, 3)])
def test_loss_and_gradient_cost_three_forward_passes_but_for_the_first_layer(sizes):
    x, labels = np.ones((7, sizes[0])), np.zeros(7, int)
    layers = layers_of(*sizes)
    products = [7 * a * b for a, b in pairwise(sizes)]
    assert lab.multiplications(lambda net: mlp(x, net, relu), layers) == sum(products)
    assert lab.multiplications(mlp_loss_and_grads, layers, x, labels) == 3 * sum(products) - products[0]


def test_counting_changes_no_result():
    x, labels = batch()
    layers, seen = layers_of(64, 8, 10), []
    lab.multiplications(lambda net: seen.append(mlp_loss_and_grads(net, x, labels)), layers)
    loss, grads = mlp_loss_and_grads(layers, x, labels)
    assert float(seen[0][0]) == float(loss)
    assert all(np.array_equal(a, b) for a, b in zip(leaves(seen[0][1]), leaves(grads), strict=True))


def test_a_kink_crossed_shows_in_the_accuracy():
    # The zeros on the page are no fault of the measure: across a jump the difference is not zero.
    net = (Layer(np.zeros((1, 2)), np.array([0.0, 1e-6])),)
    [(_, db)] = lab.finite_differences(
        lambda net: accuracy(mlp(np.ones((1, 1)), net, relu), np.array([0])), net
    )
    assert np.all(db != 0)


def test_a_logit_of_zero_is_not_yet_right():
    assert lab.steps_until_right(lambda z: -0.5, -1.0) == 3


@pytest.mark.parametrize("z", [-8.0, -10.0])
def test_squared_error_on_a_sigmoid_takes_exponentially_long(z):
    def squared(z):
        p = sigmoid(np.array(z))
        return 2 * (p - 1) * p * (1 - p)

    # dz/dt = 2 (1 − p)² p is about 2 exp(z) while z is very negative: about exp(−z) / 2 steps.
    assert lab.steps_until_right(squared, z) == pytest.approx(np.exp(-z) / 2, rel=0.05)
    assert lab.steps_until_right(lambda z: sigmoid(np.array(z)) - 1, z) <= -z + 2


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: lab.finite_differences(len, (np.ones(1),), -1.0), "step: expected > 0, got -1.0"),
        (
            lambda: lab.steps_until_right(lambda z: 0.0, -1.0),
            "slope: expected a positive z at last, got -1.0",
        ),
        (
            lambda: lab.mlp_on_tape(layers_of(4, 3), np.ones((1, 4)), np.array([3])),
            "labels: expected values from 0 to 2, got 3",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message
