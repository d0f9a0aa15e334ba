"""What chapter 4 claims of CNNs as MLPs, of pooling and of sequences, beyond what its page prints."""

from functools import partial

import numpy as np
import pytest

from textbook_code.experiments import convolution as lab
from textbook_code.with_numpy.activations import relu
from textbook_code.with_numpy.cnn import CNN, cnn, cnn_init
from textbook_code.with_numpy.conv import conv1d, conv1d_vjp, conv2d, conv2d_as_dense, conv2d_vjp
from textbook_code.with_numpy.mlp import Layer, mlp
from textbook_code.with_numpy.pool import avg_pool2d, max_pool2d, max_pool2d_vjp


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize(
    "shape, channels", [((2, 2, 1), [1]), ((4, 6, 3), [5]), ((8, 4, 2), [3, 4]), ((8, 8, 1), [2, 2, 2])]
)
def test_a_cnn_is_an_mlp(shape, channels):
    rng = np.random.default_rng(0)
    start = cnn_init(rng, shape, channels, 3)
    params = CNN(tuple(Layer(w, rng.standard_normal(b.shape)) for w, b in start.convs), start.head)
    x = 100 * draw(20, *shape)
    layers = lab.cnn_as_mlp(params, shape)
    assert len(layers) == 3 * len(channels) + 1
    np.testing.assert_allclose(mlp(x.reshape(20, -1), layers, relu), cnn(x, params), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape, channels", [((5, 4, 1), [2]), ((6, 8, 1), [2, 2])])
def test_an_odd_image_cannot_be_halved(shape, channels):
    params = cnn_init(np.random.default_rng(0), shape, channels, 3)
    with pytest.raises(ValueError) as error:
        lab.cnn_as_mlp(params, shape)
    wanted = 2 ** len(channels)
    assert str(error.value) == f"in_shape: expected H and W divisible by {wanted}, got {shape}"


@pytest.mark.parametrize("axis", [1, 2])
def test_two_relus_take_the_maximum_of_a_pair(axis):
    x = np.abs(draw(3, 4, 6, 2))
    joined = lab.join_pairs(relu(lab.split_pairs(x, axis)))
    assert joined.shape[axis] == x.shape[axis] // 2
    pairs = np.stack([x.take(range(i, x.shape[axis], 2), axis) for i in (0, 1)])
    np.testing.assert_allclose(joined, pairs.max(axis=0))


def test_matrices_of_linear_maps_compose():
    x = draw(3, 4, 4, 2)
    pooled = lab.matrix_of(lambda x: avg_pool2d(x, 2), (4, 4, 2))
    w = draw(3, 3, 2, 5)
    y = conv2d(avg_pool2d(x, 2), w, pad="same")
    matrix = pooled @ conv2d_as_dense(w, (2, 2, 2), pad="same")
    np.testing.assert_allclose(x.reshape(3, -1) @ matrix, y.reshape(3, -1))


def test_the_nearest_kernel_is_an_orthogonal_projection():
    matrix, shape, size = draw(5 * 4 * 2, 5 * 4 * 3), (5, 4, 2), (3, 3, 2, 3)
    near = conv2d_as_dense(lab.nearest_kernel(matrix, size, shape), shape, pad="same")
    other = conv2d_as_dense(draw(*size, seed=1), shape, pad="same")
    assert abs(np.sum((matrix - near) * other)) < 1e-10
    np.testing.assert_allclose(lab.nearest_kernel(near, size, shape), lab.nearest_kernel(matrix, size, shape))


POOLS = [
    (lambda x: max_pool2d(x, 2), lambda dy, x: max_pool2d_vjp(dy, x, 2)),
    (lab.every_second, lab.every_second_vjp),
]


@pytest.mark.parametrize("pool", [lab.NO_POOL, *POOLS])
def test_gradients_of_the_image_network(pool):
    pooled = pool[0](np.zeros((1, 4, 4, 1))).size
    params = CNN((Layer(draw(3, 3, 2, 3), draw(3)),), Layer(draw(3 * pooled, 4), draw(4)))
    conv = partial(conv2d, pad="same"), partial(conv2d_vjp, pad="same")
    expect_right_gradients(params, draw(5, 4, 4, 2), conv, pool)


def test_gradients_of_the_sequence_network():
    params = lab.sequence_init(np.random.default_rng(0), [2, 3, 3], 4)
    expect_right_gradients(params, draw(5, 3, 2), (conv1d, conv1d_vjp), lab.NO_POOL)


def expect_right_gradients(params, x, conv, pool):
    labels = np.array([0, 1, 2, 3, 0])
    _, grads = lab.conv_net_loss_and_grads(params, x, labels, conv, pool)
    arrays = [*params.convs[0], *params.head]
    for array, grad in zip(arrays, [*grads.convs[0], *grads.head], strict=True):
        step = 1e-6 * draw(*array.shape, seed=2)
        loss = []
        for sign in (1, -1):
            array += sign * step
            loss.append(lab.conv_net_loss_and_grads(params, x, labels, conv, pool)[0])
            array -= sign * step
        np.testing.assert_allclose(loss[0] - loss[1], 2 * np.sum(grad * step), rtol=1e-6)


@pytest.mark.parametrize("k", [1, 5, 50])
def test_detection_without_strength_is_guessing(k):
    np.testing.assert_allclose(lab.detection(0.0, k, k), 0.5, atol=1e-6)
    np.testing.assert_allclose(lab.detection(4.0, 0, k), 0.5, atol=1e-6)


def test_detection_is_what_a_simulation_finds():
    noise = np.random.default_rng(0).standard_normal((2, 40_000, 9))
    present = noise[0] + 2.0 * (np.arange(9) < 3)
    found = [np.mean(f(present, -1) > f(noise[1], -1)) for f in (np.max, np.mean)]
    np.testing.assert_allclose(lab.detection(2.0, 3, 9), found, atol=0.01)


@pytest.mark.parametrize("active, k", [(-1, 4), (5, 4), (0, 0)])
def test_detection_wants_active_units_among_all(active, k):
    with pytest.raises(ValueError) as error:
        lab.detection(1.0, active, k)
    assert str(error.value) == f"active: expected from 0 to k = {k}, k > 0, got {active}"


@pytest.mark.parametrize("dilation", [1, 2, 5])
def test_a_causal_convolution_never_looks_ahead(dilation):
    x, w = draw(2, 20, 3), draw(3, 3, 4)
    y = lab.causal_conv1d(x, w, dilation)
    for t in range(1, 20):
        np.testing.assert_allclose(lab.causal_conv1d(x[:, :t], w, dilation), y[:, :t], atol=1e-12)


def test_a_dilated_convolution_is_its_formula():
    x, w, dilation = draw(1, 12, 2), draw(3, 2, 4), 3
    y = lab.causal_conv1d(x, w, dilation)
    t = 11
    wanted = sum(x[0, t - (2 - a) * dilation] @ w[a] for a in range(3))
    np.testing.assert_allclose(y[0, t], wanted)
    assert lab.causal_conv1d(x.astype(np.float32), w.astype(np.float32), dilation).dtype == np.float32


def test_dilation_is_at_least_one():
    with pytest.raises(ValueError) as error:
        lab.causal_conv1d(draw(1, 4, 1), draw(2, 1, 1), 0)
    assert str(error.value) == "dilation: expected ≥ 1, got 0"


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_dilation_doubles_the_reach(depth):
    y = np.eye(40)[:, :, None]
    for layer in range(depth):
        y = lab.causal_conv1d(y, np.ones((2, 1, 1)), 2**layer)
    assert np.count_nonzero(y[:, -1]) == 2**depth


@pytest.mark.parametrize("f", [lab.conv2d_by_loops, lab.conv2d_by_matrix])
@pytest.mark.parametrize(
    "shape, kernel", [((1, 3, 3, 1), (3, 3)), ((2, 5, 4, 3), (1, 2)), ((3, 4, 4, 2), (3, 1))]
)
def test_every_form_of_the_convolution_is_the_same(f, shape, kernel):
    x, w = draw(*shape), draw(*kernel, shape[-1], 4)
    np.testing.assert_allclose(f(x, w), conv2d(x, w))
    assert f(x.astype(np.float32), w.astype(np.float32)).dtype == np.float32


def test_the_derivative_of_every_second_is_its_transpose():
    x = draw(2, 4, 6, 3)
    dy = draw(2, 2, 3, 3, seed=1)
    dx = lab.every_second_vjp(dy, x)
    np.testing.assert_allclose(np.sum(dx * x), np.sum(dy * lab.every_second(x)))


def test_the_first_sign_is_the_label():
    x, labels = lab.first_of(500, 7, np.random.default_rng(0))
    assert set(np.unique(x)) == {-1.0, 1.0}
    np.testing.assert_array_equal(labels, x[:, 0, 0] == 1)
    assert 0.4 < labels.mean() < 0.6


def test_a_tap_that_meets_no_pixel_is_zero():
    size, shape = (1, 5, 1, 1), (1, 2, 1)
    matrix = conv2d_as_dense(np.arange(1.0, 6.0).reshape(size), shape, pad="same")
    assert lab.nearest_kernel(matrix, size, shape).ravel().tolist() == [0, 2, 3, 4, 0]
