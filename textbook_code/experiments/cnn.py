"""The experiments of chapter 4: what a unit of a CNN sees, what its prior is worth, where parameters sit."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from textbook_code._arguments import require
from textbook_code.data import digits, train_test_split
from textbook_code.with_numpy import cnn
from textbook_code.with_numpy.activations import relu, relu_vjp
from textbook_code.with_numpy.conv import (
    conv1d,
    conv1d_vjp,
    conv2d,
    conv2d_vjp,
)
from textbook_code.with_numpy.dense import dense, dense_vjp
from textbook_code.with_numpy.init import he_normal
from textbook_code.with_numpy.losses import (
    accuracy,
    cross_entropy,
    cross_entropy_vjp,
)
from textbook_code.with_numpy.mlp import (
    Layer,
    mlp,
    mlp_init,
    mlp_loss_and_grads,
)
from textbook_code.with_numpy.optim import (
    adam_init,
    adam_update,
    constant_schedule,
)
from textbook_code.with_numpy.train import fit, train_epoch


def receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    """Side of the patch of the input that one output can depend on.

    ``r ← r + (k − 1) · jump``, where the jump is the product of the strides of the layers before.

    Parameters
    ----------
    layers : sequence of (k, stride)
        Convolutions or poolings, the one at the input first.

    Returns
    -------
    r : int
        Pixels along one side.

    Raises
    ------
    ValueError
        If a k or a stride is below 1.

    Examples
    --------
    >>> receptive_field([(3, 1), (2, 2), (3, 1), (2, 2)])
    10
    """
    require(
        all(k >= 1 and stride >= 1 for k, stride in layers),
        f"layers: expected pairs (k, stride), both ≥ 1, got {list(layers)}",
    )
    r = jump = 1
    for k, stride in layers:
        r += (k - 1) * jump
        jump *= stride
    return r


def input_gradient(
    layers: Sequence[tuple[int, int]],
    side: int,
    channels: int = 1,
    seed: int = 0,
) -> np.ndarray:
    """Gradient of the middle output of a stack of random convolutions with respect to its input.

    There are no activations and no padding. The weights are normal with variance ``1 / (k² channels)``.

    Parameters
    ----------
    layers : sequence of (k, stride)
        The convolutions, the one at the input first.
    side : int
        Side of the input image, at least the receptive field.
    channels : int
        Channels of the input and of every layer.
    seed : int
        Seed of the generator.

    Returns
    -------
    dx : (side, side, channels)
        How the first channel of the middle output reacts to each entry of the input.

    Raises
    ------
    ValueError
        If `side` is smaller than the receptive field.

    Examples
    --------
    >>> dx = input_gradient([(3, 1), (3, 1)], side=7)
    >>> np.abs(dx[:, 3, 0]).astype(bool).astype(int)  # the middle column
    array([0, 1, 1, 1, 1, 1, 0])
    """
    r = receptive_field(layers)
    require(side >= r, f"side: expected at least {r}, got {side}")
    rng = np.random.default_rng(seed)
    sides = [side]
    for k, stride in layers:
        sides.append((sides[-1] - k) // stride + 1)
    dx = np.zeros((1, sides[-1], sides[-1], channels))
    dx[0, sides[-1] // 2, sides[-1] // 2, 0] = 1
    for (k, stride), size in zip(layers[::-1], sides[-2::-1], strict=True):
        w = rng.standard_normal((k, k, channels, channels))
        w /= np.sqrt(k * k * channels)
        x = np.zeros((1, size, size, channels))  # only its shape matters
        dx, _ = conv2d_vjp(dx, x, w, stride)
    return dx[0]


def spread_of_field(depth: int, k: int = 3) -> float:
    """How far the squared gradient spreads over the input, in pixels, after `depth` random layers.

    Each layer adds the variance of one uniform choice among k pixels: ``√(depth (k² − 1) / 12)``.

    Parameters
    ----------
    depth : int
        Number of layers of stride 1.
    k : int
        Side of the kernel.

    Returns
    -------
    spread : float
        Along one axis.

    References
    ----------
    After Luo et al. (2016), Understanding the Effective Receptive Field, arXiv:1701.04128.

    Examples
    --------
    >>> round(spread_of_field(depth=6), 2)
    2.0
    """
    return float(np.sqrt(depth * (k * k - 1) / 12))


def measured_spread(depth: int, channels: int = 32) -> float:
    """The spread of the squared gradient, measured in one random stack of 3 × 3 convolutions.

    Parameters
    ----------
    depth : int
        Number of layers of stride 1.
    channels : int
        Channels of every layer.

    Returns
    -------
    spread : float
        Standard deviation along one axis, in pixels.

    Examples
    --------
    >>> round(measured_spread(depth=6))
    2
    """
    profile = field_profile(depth, channels)
    place = np.arange(len(profile)) - depth
    mean = profile @ place
    return float(np.sqrt(profile @ (place - mean) ** 2))


def field_profile(depth: int, channels: int = 32) -> np.ndarray:
    """Share of the squared gradient in each row of the receptive field of `depth` 3 × 3 convolutions.

    Parameters
    ----------
    depth : int
        Number of layers of stride 1.
    channels : int
        Channels of every layer.

    Returns
    -------
    profile : (2 * depth + 1,)
        From the top row to the bottom row; the shares add up to 1.

    Examples
    --------
    >>> field_profile(depth=2).shape
    (5,)
    """
    dx = input_gradient([(3, 1)] * depth, 2 * depth + 1, channels)
    energy = (dx**2).sum(axis=(1, 2))
    return energy / energy.sum()


def dilate(w: np.ndarray, rate: int) -> np.ndarray:
    """A dilated kernel as a common one: rate − 1 zeros between neighboring taps.

    Parameters
    ----------
    w : (KH, KW, C, M)
        Filters.
    rate : int
        Distance of neighboring taps, ≥ 1.

    Returns
    -------
    wide : (KH, KW, C, M)
        The same filters, now with ``(KH − 1) rate + 1`` and ``(KW − 1) rate + 1`` taps along their sides.

    Raises
    ------
    ValueError
        If `rate` is below 1.

    Examples
    --------
    >>> dilate(np.ones((2, 2, 1, 1)), rate=2)[:, :, 0, 0]
    array([[1., 0., 1.],
           [0., 0., 0.],
           [1., 0., 1.]])
    """
    require(rate >= 1, f"rate: expected ≥ 1, got {rate}")
    kh, kw, *channels = w.shape
    shape = ((kh - 1) * rate + 1, (kw - 1) * rate + 1, *channels)
    wide = np.zeros(shape, w.dtype)
    wide[::rate, ::rate] = w
    return wide


def separable_conv2d(
    x: np.ndarray, depth: np.ndarray, point: np.ndarray
) -> np.ndarray:
    """Depthwise separable convolution: one filter a channel, then a 1 × 1 convolution mixes the channels.

    Parameters
    ----------
    x : (N, H, W, C)
        Images.
    depth : (KH, KW, C)
        The filter of each channel.
    point : (C, M)
        The weights of the mixture.

    Returns
    -------
    y : (N, HO, WO, M)
        The same as of `conv2d` with the kernel ``depth[..., None] * point``.

    Examples
    --------
    >>> x = np.arange(8.0).reshape(1, 2, 2, 2)
    >>> separable_conv2d(x, np.ones((2, 2, 2)), np.array([[1.0], [-1.0]])).item()
    -4.0
    """
    filtered = [
        conv2d(x[..., c : c + 1], depth[:, :, c, None, None])
        for c in range(x.shape[-1])
    ]
    return conv2d(np.concatenate(filtered, axis=-1), point[None, None])


def train_on_digits(epochs: int = 5, margin: int = 2, seed: int = 0) -> tuple:
    """Train a small CNN on the digits, each in the middle of a larger empty page.

    Parameters
    ----------
    epochs : int
        How often to go through the training set.
    margin : int
        Empty pixels on each side of the digit.
    seed : int
        Seed of the generator.

    Returns
    -------
    params, test : CNN, tuple
        The trained network of 8 and 16 filters; test images and their labels.

    Examples
    --------
    >>> params, (x, labels) = train_on_digits(epochs=1)
    >>> params.convs[1].w.shape, x.shape
    ((3, 3, 8, 16), (359, 12, 12, 1))
    """
    rng = np.random.default_rng(seed)
    images, labels = digits()
    ends = (margin, margin)
    x = np.pad(images, ((0, 0), ends, ends))[..., None]
    train, test = train_test_split(x, labels, 0.2, rng)
    start = cnn.cnn_init(rng, x.shape[1:], [8, 16], 10)
    params, _ = fit(
        start,
        *train,
        cnn.cnn_loss_and_grads,
        (adam_init, adam_update),
        partial(constant_schedule, lr=0.01),
        epochs,
        32,
        rng,
    )
    return params, test


def signals(
    n: int, shapes: np.ndarray, rng: np.random.Generator, length: int = 16
) -> tuple[np.ndarray, np.ndarray]:
    """Noise with a shape hidden at a random place; the label says which shape.

    Parameters
    ----------
    n : int
        Number of signals.
    shapes : (M, K)
        The shapes, one a class.
    rng : np.random.Generator
        Where labels, places and noise come from.
    length : int
        Length of a signal, at least K.

    Returns
    -------
    x, labels : (n, length), (n,)
        Signals, with noise of standard deviation 1/2.

    Raises
    ------
    ValueError
        If a shape is longer than the signal.

    Examples
    --------
    >>> x, labels = signals(3, np.eye(2), np.random.default_rng(0))
    >>> x.shape, labels
    ((3, 16), array([1, 1, 1]))
    """
    classes, k = shapes.shape
    require(length >= k, f"length: expected at least {k}, got {length}")
    labels = rng.integers(classes, size=n)
    first = rng.integers(length - k + 1, size=n)
    x = 0.5 * rng.standard_normal((n, length))
    places = first[:, None] + np.arange(k)
    x[np.arange(n)[:, None], places] += shapes[labels]
    return x, labels


def detector_init(
    rng: np.random.Generator, k: int, filters: int, classes: int
) -> tuple[Layer, Layer]:
    """Draw the parameters of a detector: filters along the signal, then a dense layer.

    Parameters
    ----------
    rng : np.random.Generator
        Where the weights come from.
    k, filters, classes : int
        Length and number of the filters; number of classes.

    Returns
    -------
    params : tuple of two layers
        Weights (K, 1, M) and (M, classes), with their biases.

    Examples
    --------
    >>> conv, head = detector_init(np.random.default_rng(0), k=5, filters=16, classes=4)
    >>> conv.w.shape, head.w.shape
    ((5, 1, 16), (16, 4))
    """
    shapes = (k, 1, filters), (filters, classes)
    weights = [he_normal(rng, shape) for shape in shapes]
    conv, head = [Layer(w, np.zeros(w.shape[-1])) for w in weights]
    return conv, head


def detector(x: np.ndarray, params: tuple[Layer, Layer]) -> np.ndarray:
    """The smallest CNN: convolution, global max pooling, ReLU, dense layer.

    Parameters
    ----------
    x : (N, L)
        Signals.
    params : tuple of two layers
        As from `detector_init`.

    Returns
    -------
    logits : (N, M)
        A score for each class; without noise, and away from the ends, it doesn't change when the shape moves.

    Examples
    --------
    >>> params = detector_init(np.random.default_rng(0), k=5, filters=16, classes=4)
    >>> detector(np.zeros((2, 16)), params).shape
    (2, 4)
    """
    conv, head = params
    z = conv1d(x[..., None], conv.w) + conv.b
    return dense(relu(z.max(axis=1)), *head)


def detector_loss_and_grads(
    params: tuple[Layer, Layer], x: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, tuple[Layer, Layer]]:
    """Cross-entropy of the detector, and its gradients.

    Parameters
    ----------
    params : tuple of two layers
        As from `detector_init`.
    x : (N, L)
        Signals.
    labels : (N,)
        Their classes.

    Returns
    -------
    loss, dparams : (), tuple of two layers
        The mean over the batch, and its gradients.

    Examples
    --------
    >>> params = detector_init(np.random.default_rng(0), k=5, filters=16, classes=4)
    >>> loss, _ = detector_loss_and_grads(params, np.zeros((2, 16)), np.array([0, 1]))
    >>> round(float(loss), 4)  # four equal scores: log 4
    1.3863
    """
    conv, head = params
    z = conv1d(x[..., None], conv.w) + conv.b
    top = z.max(axis=1)
    logits = dense(relu(top), *head)
    dlogits = cross_entropy_vjp(1.0, logits, labels)
    dh, *dhead = dense_vjp(dlogits, relu(top), *head)
    dtop = relu_vjp(dh, top)
    dz = np.where(z == top[:, None], dtop[:, None], 0)
    _, dw = conv1d_vjp(dz, x[..., None], conv.w)
    grads = Layer(dw, dtop.sum(axis=0)), Layer(*dhead)
    return cross_entropy(logits, labels), grads


class Net(NamedTuple):
    """What the comparison needs of a network: how to draw, apply and differentiate it; its learning rate."""

    init: Callable
    apply: Callable
    loss_and_grads: Callable
    lr: float


CNN = Net(
    partial(detector_init, k=5, filters=16, classes=4),
    detector,
    detector_loss_and_grads,
    lr=0.03,
)
MLP = Net(
    partial(mlp_init, sizes=[16, 64, 4]),
    partial(mlp, act=relu),
    mlp_loss_and_grads,
    lr=0.02,
)


def held_out_accuracy(
    net: Net, n: int, seed: int, permuted: bool = False, steps: int = 100
) -> float:
    """Accuracy on held-out signals, after training on n of them.

    Four shapes of length 5, drawn from the seed, hide in signals of length 16. The batches, 100 signals each,
    are drawn with replacement.

    Parameters
    ----------
    net : Net
        CNN or MLP of this module.
    n : int
        Number of training signals, ≥ 1.
    seed : int
        Seed of the generator.
    permuted : bool
        Whether one fixed permutation scrambles the places of all signals, in training and test.
    steps : int
        Steps of Adam.

    Returns
    -------
    accuracy : float
        Share of 2,000 test signals that are classified right.

    Raises
    ------
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> held_out_accuracy(CNN, n=100, seed=0) > held_out_accuracy(MLP, n=100, seed=0)
    True
    """
    require(n >= 1, f"n: expected ≥ 1, got {n}")
    rng = np.random.default_rng(seed)
    shapes = rng.standard_normal((4, 5))
    shapes /= np.sqrt(np.mean(shapes**2, axis=1, keepdims=True))
    x, labels = signals(n + 2000, shapes, rng)
    if permuted:
        x = x[:, rng.permutation(x.shape[1])]
    rows = rng.integers(n, size=(steps, 100))
    params = net.init(rng)
    batches, rates = (x[rows], labels[rows]), np.full(steps, net.lr)
    params, *_ = train_epoch(
        params,
        adam_init(params),
        *batches,
        net.loss_and_grads,
        adam_update,
        rates,
    )
    return float(accuracy(net.apply(x[n:], params), labels[n:]))


class Conv(NamedTuple):
    """A convolution as one counts it: k × k, from c_in to c_out channels, with side × side outputs each.

    A dense layer is one with k = 1 and side = 1. ``norm`` says whether batch normalization follows.
    """

    k: int
    c_in: int
    c_out: int
    side: int
    groups: int = 1
    bias: bool = True
    norm: bool = False


def weights(layer: Conv) -> int:
    """Number of weights of a convolution: k² · c_in / groups · c_out.

    Parameters
    ----------
    layer : Conv
        The convolution.

    Returns
    -------
    count : int
        Without biases.

    Raises
    ------
    ValueError
        If `groups` does not divide both numbers of channels.

    Examples
    --------
    >>> weights(Conv(k=3, c_in=16, c_out=32, side=8))
    4608
    """
    k, c_in, c_out, _, groups, *_ = layer
    require(
        c_in % groups == c_out % groups == 0,
        f"groups: expected a divisor of {c_in} and {c_out}, got {groups}",
    )
    return k * k * (c_in // groups) * c_out


def parameters(layer: Conv) -> int:
    """Number of trained parameters: weights, biases, and scale and shift of batch normalization.

    Parameters
    ----------
    layer : Conv
        The convolution.

    Returns
    -------
    count : int
        The running statistics of batch normalization are not trained, and not counted.

    Examples
    --------
    >>> parameters(Conv(k=3, c_in=16, c_out=32, side=8))
    4640
    """
    return weights(layer) + (layer.bias + 2 * layer.norm) * layer.c_out


def multiply_adds(layer: Conv) -> int:
    """Number of multiplications, each with an addition, for one image: every weight works at every output.

    Parameters
    ----------
    layer : Conv
        The convolution.

    Returns
    -------
    count : int
        The multiply-adds, ``weights · side²``.

    Examples
    --------
    >>> multiply_adds(Conv(k=3, c_in=16, c_out=32, side=8))
    294912
    """
    return weights(layer) * layer.side**2


def outputs(layer: Conv) -> int:
    """Number of activations that the layer makes of one image.

    Parameters
    ----------
    layer : Conv
        The convolution.

    Returns
    -------
    count : int
        The numbers put out, ``c_out · side²``.

    Examples
    --------
    >>> outputs(Conv(k=3, c_in=16, c_out=32, side=8))
    2048
    """
    return layer.c_out * layer.side**2


def total(count: Callable, net: Sequence[Conv]) -> int:
    """Add up a count over all layers of a network.

    Parameters
    ----------
    count : callable
        `parameters`, `multiply_adds` or `outputs`.
    net : sequence of Conv
        The layers.

    Returns
    -------
    total : int
        The sum.

    Examples
    --------
    >>> total(parameters, lenet5())
    61706
    """
    return sum(map(count, net))


def fully_connected(*sizes: int) -> list[Conv]:
    """Dense layers as convolutions of an image of one pixel.

    Parameters
    ----------
    *sizes : int
        Numbers of units, from input to output.

    Returns
    -------
    net : list of Conv
        One layer less than there are sizes.

    Examples
    --------
    >>> [parameters(layer) for layer in fully_connected(120, 84, 10)]
    [10164, 850]
    """
    return [Conv(1, n, m, 1) for n, m in pairwise(sizes)]


def lenet5() -> list[Conv]:
    """LeNet-5 as it is usually rebuilt: every map of C3 reads all six maps below, and pooling learns nothing.

    Returns
    -------
    net : list of Conv
        For images of 32 × 32.

    References
    ----------
    LeCun et al. (1998), Gradient-Based Learning Applied to Document Recognition.

    Examples
    --------
    >>> [parameters(layer) for layer in lenet5()]
    [156, 2416, 48120, 10164, 850]
    """
    convs = [Conv(5, 1, 6, 28), Conv(5, 6, 16, 10)]
    return convs + fully_connected(5 * 5 * 16, 120, 84, 10)


def alexnet(
    channels: Sequence[int] = (96, 256, 384, 384, 256), groups: int = 2
) -> list[Conv]:
    """AlexNet; the three convolutions in groups saw only their own GPU's half of the channels.

    Parameters
    ----------
    channels : sequence of int
        Filters of the five convolutions.
    groups : int
        Groups of the second, fourth and fifth convolution.

    Returns
    -------
    net : list of Conv
        For images of 224 × 224 or 227 × 227.

    References
    ----------
    Krizhevsky, Sutskever and Hinton (2012), ImageNet Classification with Deep Convolutional Neural Networks.

    Examples
    --------
    >>> total(parameters, alexnet())
    60965224
    """
    a, b, c, d, e = channels
    return [
        Conv(11, 3, a, 55),
        Conv(5, a, b, 27, groups),
        Conv(3, b, c, 13),
        Conv(3, c, d, 13, groups),
        Conv(3, d, e, 13, groups),
        *fully_connected(6 * 6 * e, 4096, 4096, 1000),
    ]


def vgg16() -> list[Conv]:
    """VGG-16: only 3 × 3 convolutions; after each pooling half the side and, up to 512, twice the channels.

    Returns
    -------
    net : list of Conv
        For images of 224 × 224.

    References
    ----------
    Simonyan and Zisserman (2015), Very Deep Convolutional Networks, arXiv:1409.1556, configuration D.

    Examples
    --------
    >>> total(parameters, vgg16())
    138357544
    """
    net, c = [], 3
    stages = (64, 224, 2), (128, 112, 2), (256, 56, 3), (512, 28, 3)
    for width, side, convs in (*stages, (512, 14, 3)):
        for _ in range(convs):
            net.append(Conv(3, c, width, side))
            c = width
    return net + fully_connected(7 * 7 * 512, 4096, 4096, 1000)


def resnet50() -> list[Conv]:
    """ResNet-50 as in the paper: each block narrows by 1 × 1, convolves by 3 × 3, and widens by 1 × 1.

    Where the number of channels changes, the shortcut is a 1 × 1 convolution too.

    Returns
    -------
    net : list of Conv
        For images of 224 × 224.

    References
    ----------
    He et al. (2016), Deep Residual Learning for Image Recognition, arXiv:1512.03385, table 1.

    Examples
    --------
    >>> total(parameters, resnet50())
    25557032
    """
    conv = partial(Conv, bias=False, norm=True)
    net, c = [conv(7, 3, 64, 112)], 64
    stages = (64, 56, 3), (128, 28, 4), (256, 14, 6), (512, 7, 3)
    for width, side, blocks in stages:
        net.append(conv(1, c, 4 * width, side))  # the shortcut
        for _ in range(blocks):
            net.append(conv(1, c, width, side))
            net.append(conv(3, width, width, side))
            net.append(conv(1, width, 4 * width, side))
            c = 4 * width
    return net + fully_connected(c, 1000)


def mobilenet() -> list[Conv]:
    """MobileNet (the first): depthwise 3 × 3 and pointwise 1 × 1 convolutions by turns.

    Returns
    -------
    net : list of Conv
        For images of 224 × 224.

    References
    ----------
    Howard et al. (2017), MobileNets, arXiv:1704.04861, table 1.

    Examples
    --------
    >>> total(parameters, mobilenet())
    4231976
    """
    conv = partial(Conv, bias=False, norm=True)
    net, c = [conv(3, 3, 32, 112)], 32
    start = (64, 112), (128, 56), (128, 56), (256, 28), (256, 28)
    for width, side in (*start, *6 * [(512, 14)], (1024, 7), (1024, 7)):
        net.append(conv(3, c, c, side, groups=c))
        net.append(conv(1, c, width, side))
        c = width
    return net + fully_connected(c, 1000)
