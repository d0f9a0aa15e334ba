"""What chapter 4 says about receptive fields, priors and counts, beyond what its page prints."""

from itertools import pairwise

import numpy as np
import pytest

from textbook_code.experiments import cnn as lab
from textbook_code.with_numpy.conv import conv2d


def rejects(message):
    return pytest.raises(ValueError, match=f"^{message}$")


@pytest.mark.parametrize(
    "layers",
    [[(1, 1)], [(5, 1)], [(3, 2), (3, 1)], [(3, 1), (2, 2), (3, 2), (2, 1)], [(4, 3), (2, 2), (5, 1)]],
)
def test_the_gradient_reaches_exactly_the_receptive_field(layers):
    dx = lab.input_gradient(layers, side=50)
    reached = np.flatnonzero((dx != 0).any(axis=(1, 2)))
    assert reached[-1] - reached[0] + 1 == len(reached) == lab.receptive_field(layers)


def test_an_image_as_large_as_the_receptive_field_is_enough_and_a_smaller_one_is_not():
    layers = [(3, 1), (3, 2), (3, 1)]
    assert (lab.input_gradient(layers, side=9) != 0).all()
    with rejects("side: expected at least 9, got 8"):
        lab.input_gradient(layers, side=8)


def test_the_weights_of_the_stack_neither_swell_nor_shrink_the_gradient():
    assert np.sum(lab.input_gradient([(3, 1)] * 6, 13, channels=32) ** 2) == pytest.approx(1, rel=0.3)


def test_layers_are_checked():
    with rejects(r"layers: expected pairs \(k, stride\), both ≥ 1, got \[\(3, 0\)\]"):
        lab.receptive_field([(3, 0)])


def test_the_effective_field_grows_like_a_square_root():
    assert lab.spread_of_field(depth=40) == pytest.approx(2 * lab.spread_of_field(depth=10))
    assert lab.measured_spread(40) == pytest.approx(2 * lab.measured_spread(10), rel=0.15)
    assert lab.field_profile(10).sum() == pytest.approx(1)


def test_a_dilated_kernel_reads_every_second_pixel():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 9, 9, 3)), rng.standard_normal((3, 3, 3, 4))
    y = conv2d(x, lab.dilate(w, 2))
    assert np.allclose(y[:, ::2, ::2], conv2d(x[:, ::2, ::2], w))
    assert np.array_equal(lab.dilate(w, 1), w)
    assert lab.dilate(w.astype(np.float32), 2).dtype == np.float32
    with rejects("rate: expected ≥ 1, got 0"):
        lab.dilate(w, 0)


def test_a_separable_convolution_is_a_full_one_of_a_product_kernel():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 6, 5, 3))
    depth, point = rng.standard_normal((3, 2, 3)), rng.standard_normal((3, 7))
    assert np.allclose(lab.separable_conv2d(x, depth, point), conv2d(x, depth[..., None] * point))


def test_the_detector_ignores_where_a_shape_stands():
    rng = np.random.default_rng(0)
    params = lab.detector_init(rng, k=5, filters=16, classes=4)
    x = np.zeros((1, 24))
    x[0, 8:13] = rng.standard_normal(5)
    assert np.allclose(lab.detector(np.roll(x, 6), params), lab.detector(x, params))


def test_the_gradients_of_the_detector_are_those_of_finite_differences():
    rng = np.random.default_rng(0)
    params = lab.detector_init(rng, k=5, filters=6, classes=4)
    x, labels = lab.signals(20, rng.standard_normal((4, 5)), rng)
    _, grads = lab.detector_loss_and_grads(params, x, labels)

    def loss(step):
        moved = [[p + step * d for p, d in zip(*pair, strict=True)] for pair in zip(params, way, strict=True)]
        return lab.detector_loss_and_grads([lab.Layer(*pair) for pair in moved], x, labels)[0]

    way = [[rng.standard_normal(p.shape) for p in layer] for layer in params]
    slope = sum(np.vdot(g, d) for pair in zip(grads, way, strict=True) for g, d in zip(*pair, strict=True))
    assert (loss(1e-6) - loss(-1e-6)) / 2e-6 == pytest.approx(slope, rel=1e-6)


def test_signals_hide_a_shape_under_noise_and_reject_one_that_does_not_fit():
    x, labels = lab.signals(4000, np.array([[3.0] * 4, [-3.0] * 4]), np.random.default_rng(0))
    means = [x[labels == label].mean() for label in (0, 1)]
    assert means == pytest.approx([0.75, -0.75], abs=0.02)  # 4 of 16 places
    with rejects("length: expected at least 5, got 4"):
        lab.signals(1, np.ones((2, 5)), np.random.default_rng(0), length=4)


@pytest.mark.parametrize("seed", [3, 4, 5, 6])
def test_a_hundred_examples_teach_the_cnn_more_than_1600_teach_the_mlp(seed):
    assert lab.held_out_accuracy(lab.CNN, 100, seed) > lab.held_out_accuracy(lab.MLP, 1600, seed) + 0.03


def test_a_fixed_permutation_costs_the_cnn_much_and_the_mlp_little():
    loss = [
        np.mean([lab.held_out_accuracy(net, 400, seed) for seed in (2, 3)])
        - np.mean([lab.held_out_accuracy(net, 400, seed, permuted=True) for seed in (2, 3)])
        for net in (lab.CNN, lab.MLP)
    ]
    assert loss[0] > 0.25 > 0.05 > abs(loss[1])
    with rejects("n: expected ≥ 1, got 0"):
        lab.held_out_accuracy(lab.CNN, 0, seed=0)


def test_parameters_do_not_know_the_side_and_multiply_adds_do():
    small, large = (lab.Conv(k=3, c_in=8, c_out=16, side=side) for side in (5, 10))
    assert lab.parameters(small) == lab.parameters(large)
    assert lab.multiply_adds(large) == 4 * lab.multiply_adds(small)


def test_counts_agree_with_the_shapes_of_real_arrays():
    rng = np.random.default_rng(0)
    w = rng.standard_normal((3, 3, 8, 16))
    layer = lab.Conv(k=3, c_in=8, c_out=16, side=4)
    assert lab.weights(layer) == w.size
    assert lab.outputs(layer) == conv2d(rng.standard_normal((1, 6, 6, 8)), w).size


@pytest.mark.parametrize("net", [lab.lenet5, lab.vgg16, lab.mobilenet])
def test_each_layer_reads_what_the_one_below_makes(net):
    layers = net()
    for below, layer in pairwise(layers):
        flattened = layer.c_in % below.c_out == 0 and layer.side == 1
        assert layer.c_in == below.c_out or flattened


def test_groups_must_divide_the_channels():
    with rejects("groups: expected a divisor of 6 and 16, got 4"):
        lab.weights(lab.Conv(k=3, c_in=6, c_out=16, side=8, groups=4))
    assert lab.weights(lab.Conv(3, 8, 8, 1, groups=8)) == 72
