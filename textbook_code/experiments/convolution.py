"""The experiments of chapter 4, second half: a CNN as an MLP, pooling, sequences, fast convolution."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import erf, prod, sqrt

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from textbook_code._arguments import require
from textbook_code.with_numpy.activations import relu, relu_vjp
from textbook_code.with_numpy.cnn import CNN
from textbook_code.with_numpy.conv import (
    conv1d,
    conv2d_as_dense,
    conv2d_as_dense_vjp,
)
from textbook_code.with_numpy.dense import dense, dense_vjp
from textbook_code.with_numpy.init import he_normal
from textbook_code.with_numpy.losses import cross_entropy, cross_entropy_vjp
from textbook_code.with_numpy.mlp import Layer


def matrix_of(f: Callable, in_shape: tuple[int, ...]) -> np.ndarray:
    """The matrix of a linear map: row d is its output for the input whose entry d is 1, all others 0.

    Parameters
    ----------
    f : callable
        A linear map, applied to a batch.
    in_shape : tuple of int
        The shape of one input.

    Returns
    -------
    matrix : (D, P)
        For flattened x and y, ``y = f(x)`` is ``y = x @ matrix``.

    Examples
    --------
    >>> matrix_of(lambda x: x[:, ::-1], (3,)).astype(int)
    array([[0, 0, 1],
           [0, 1, 0],
           [1, 0, 0]])
    """
    y = f(np.eye(prod(in_shape)).reshape(-1, *in_shape))
    return y.reshape(len(y), -1)


def split_pairs(x: np.ndarray, axis: int) -> np.ndarray:
    """Before the ReLU: from each pair (a, b) of neighbors, a - b and b.

    ``max(a, b) = relu(a − b) + relu(b)`` for b ≥ 0: two ReLUs take the larger one of two numbers.

    Parameters
    ----------
    x : (N, H, W, C)
        Images, with an even number of entries along the axis.
    axis : int
        1 pairs rows, 2 pairs columns.

    Returns
    -------
    pairs : (N, H, W, C)
        The axis is halved and the channels are doubled: first all a - b, then all b.

    Examples
    --------
    >>> split_pairs(np.array([7.0, 5.0]).reshape(1, 2, 1, 1), axis=1).ravel()
    array([2., 5.])
    """
    a, b = (x.take(range(i, x.shape[axis], 2), axis) for i in (0, 1))
    return np.concatenate([a - b, b], axis=-1)


def join_pairs(x: np.ndarray) -> np.ndarray:
    """After the ReLU: add what `split_pairs` made of each pair; the sum is its maximum.

    Parameters
    ----------
    x : (N, H, W, C)
        Images, of an even number of channels.

    Returns
    -------
    sums : (N, H, W, C)
        First half of the channels plus second half.

    Examples
    --------
    >>> join_pairs(np.array([2.0, 5.0]).reshape(1, 1, 1, 2)).ravel()
    array([7.])
    """
    a, b = np.split(x, 2, axis=-1)
    return a + b


def conv_as_layers(
    layer: Layer, in_shape: tuple[int, int, int]
) -> tuple[list[Layer], np.ndarray]:
    """Convolution, ReLU and 2 × 2 max pooling as three dense layers with ReLU, and a sum still to be taken.

    Parameters
    ----------
    layer : Layer
        Kernel (KH, KW, C, M) and bias (M,) of a convolution with ``pad="same"``.
    in_shape : tuple of int
        The shape (H, W, C) of one image, H and W even.

    Returns
    -------
    layers, join : list of layers, (D, P)
        Three layers, and the matrix that makes the pooled image of the last one's output: the next layer's
        business, since it is linear.

    Examples
    --------
    >>> layer = Layer(w=np.ones((1, 1, 1, 1)), b=np.zeros(1))
    >>> layers, join = conv_as_layers(layer, (2, 2, 1))
    >>> x = np.array([[1.0, 4.0, 2.0, 3.0]])
    >>> for w, b in layers:
    ...     x = relu(x @ w + b)
    >>> x @ join
    array([[4.]])
    """
    h, w, m = *in_shape[:2], len(layer.b)
    conv = conv2d_as_dense(layer.w, in_shape, pad="same")
    rows = matrix_of(lambda x: split_pairs(x, 1), (h, w, m))
    columns = matrix_of(
        lambda x: split_pairs(join_pairs(x), 2), (h // 2, w, 2 * m)
    )
    join = matrix_of(join_pairs, (h // 2, w // 2, 2 * m))
    biases = (
        np.tile(layer.b, h * w),
        *map(np.zeros, (h * w * m, h * w * m // 2)),
    )
    return list(map(Layer, (conv, rows, columns), biases)), join


def cnn_as_mlp(params: CNN, in_shape: tuple[int, int, int]) -> list[Layer]:
    """The ReLU network without any convolution that computes exactly what ``cnn`` computes.

    Parameters
    ----------
    params : CNN
        As from ``cnn_init``.
    in_shape : tuple of int
        The shape (H, W, C) of one image; H and W can be halved once for each convolution.

    Returns
    -------
    layers : list of layers
        For ``mlp`` with ``relu``: three layers for each convolution with its pooling, and the head.

    Raises
    ------
    ValueError
        If H or W is odd before some pooling.

    Examples
    --------
    >>> from textbook_code.with_numpy.cnn import cnn_init
    >>> params = cnn_init(np.random.default_rng(0), (4, 4, 1), [2], 3)
    >>> [layer.w.shape for layer in cnn_as_mlp(params, (4, 4, 1))]
    [(16, 32), (32, 32), (32, 16), (16, 3)]
    """
    halvings = 2 ** len(params.convs)
    require(
        all(side % halvings == 0 for side in in_shape[:2]),
        f"in_shape: expected H and W divisible by {halvings}, got {in_shape}",
    )
    layers, join = [], np.eye(prod(in_shape))
    for conv in params.convs:
        (first, *others), after = conv_as_layers(conv, in_shape)
        layers += [Layer(join @ first.w, first.b), *others]
        h, w, _ = in_shape
        join, in_shape = after, (h // 2, w // 2, len(conv.b))
    return [*layers, Layer(join @ params.head.w, params.head.b)]


def nearest_kernel(
    matrix: np.ndarray,
    size: tuple[int, int, int, int],
    in_shape: tuple[int, int, int],
) -> np.ndarray:
    """The kernel whose matrix is nearest to a given one, by the sum of the squares.

    Each weight is the mean of the entries at all the places where a convolution would hold it.

    Parameters
    ----------
    matrix : (D, P)
        Weights of a dense layer with the shapes of a convolution with ``pad="same"``.
    size : tuple of int
        The shape (KH, KW, C, M) of the kernel.
    in_shape : tuple of int
        The shape (H, W, C) of one image.

    Returns
    -------
    w : (KH, KW, C, M)
        ``conv2d_as_dense(w, in_shape, pad="same")`` is the orthogonal projection of the matrix.

    Examples
    --------
    >>> w = np.array([[2.0], [3.0], [4.0]]).reshape(1, 3, 1, 1)
    >>> matrix = conv2d_as_dense(w, (1, 5, 1), pad="same")
    >>> nearest_kernel(matrix, w.shape, (1, 5, 1)).ravel()
    array([2., 3., 4.])
    """
    ones = np.ones(size)
    where = conv2d_as_dense(ones, in_shape, pad="same")
    total, count = (
        conv2d_as_dense_vjp(m, ones, in_shape, pad="same")
        for m in (matrix, where)
    )
    return total / np.maximum(count, 1)  # a tap that meets no pixel is 0


def conv_net(
    x: np.ndarray,
    params: CNN,
    conv: tuple[Callable, Callable],
    pool: tuple[Callable, Callable],
) -> np.ndarray:
    """A network of convolution, ReLU and a pooling of one's choice by turns, then a dense layer.

    Parameters
    ----------
    x : (N, ...)
        Images (N, H, W, C) or sequences (N, L, C).
    params : CNN
        The convolutions and the head.
    conv, pool : tuple of two callables
        A function and its vjp: ``conv(x, w)`` and ``pool(x)``.

    Returns
    -------
    logits : (N, M)
        A score for each of the M classes.

    Examples
    --------
    >>> from textbook_code.with_numpy.conv import conv1d_vjp
    >>> params = sequence_init(np.random.default_rng(0), [1, 4, 4], 3)
    >>> conv_net(np.ones((5, 3, 1)), params, (conv1d, conv1d_vjp), NO_POOL).shape
    (5, 3)
    """
    for w, b in params.convs:
        x = pool[0](relu(conv[0](x, w) + b))
    return dense(x.reshape(len(x), -1), *params.head)


def conv_net_loss_and_grads(
    params: CNN,
    x: np.ndarray,
    labels: np.ndarray,
    conv: tuple[Callable, Callable],
    pool: tuple[Callable, Callable],
) -> tuple[np.ndarray, CNN]:
    """Cross-entropy of `conv_net` and its gradients.

    Parameters
    ----------
    params : CNN
        The convolutions and the head.
    x : (N, ...)
        Images (N, H, W, C) or sequences (N, L, C).
    labels : (N,)
        Their classes.
    conv, pool : tuple of two callables
        A function and its vjp: ``conv(x, w)`` and ``pool(x)``.

    Returns
    -------
    loss, grads : (), CNN
        The mean over the batch, and its gradients.

    Examples
    --------
    >>> from textbook_code.with_numpy.conv import conv1d_vjp
    >>> params = sequence_init(np.random.default_rng(0), [1, 4, 4], 3)
    >>> x, labels = np.zeros((5, 3, 1)), np.zeros(5, int)
    >>> loss, _ = conv_net_loss_and_grads(params, x, labels, (conv1d, conv1d_vjp), NO_POOL)
    >>> round(float(loss), 4)  # log 3: three equal scores
    1.0986
    """
    stages = []
    for w, b in params.convs:
        z = conv[0](x, w) + b
        stages.append((x, w, z))
        x = pool[0](relu(z))
    flat = x.reshape(len(x), -1)
    logits = dense(flat, *params.head)
    dlogits = cross_entropy_vjp(1.0, logits, labels)
    dflat, *dhead = dense_vjp(dlogits, flat, *params.head)
    dx, dconvs = dflat.reshape(x.shape), []
    for x, w, z in reversed(stages):
        dz = relu_vjp(pool[1](dx, relu(z)), z)
        dx, dw = conv[1](dz, x, w)
        dconvs.append(Layer(dw, dz.reshape(-1, dz.shape[-1]).sum(axis=0)))
    grads = CNN(tuple(dconvs[::-1]), Layer(*dhead))
    return cross_entropy(logits, labels), grads


def every_second(x: np.ndarray) -> np.ndarray:
    """Keep one pixel of each 2 × 2: all that a stride of 2 does after a convolution.

    Parameters
    ----------
    x : (N, H, W, C)
        Images.

    Returns
    -------
    y : (N, H, W, C)
        The top left pixels; H and W are halved.

    Examples
    --------
    >>> every_second(np.arange(4.0).reshape(1, 2, 2, 1)).ravel()
    array([0.])
    """
    return x[:, ::2, ::2]


def every_second_vjp(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Derivative of `every_second`: what was not kept gets zero.

    Parameters
    ----------
    dy : (N, H, W, C)
        Gradient with respect to the output.
    x : (N, H, W, C)
        The argument of the forward pass.

    Returns
    -------
    dx : (N, H, W, C)
        Gradient with respect to x.

    Examples
    --------
    >>> every_second_vjp(np.ones((1, 1, 1, 1)), np.zeros((1, 2, 2, 1))).ravel()
    array([1., 0., 0., 0.])
    """
    dx = np.zeros_like(x)
    dx[:, ::2, ::2] = dy
    return dx


NO_POOL = (lambda x: x), (lambda dy, x: dy)


def detection(strength: float, active: int, k: int) -> tuple[float, float]:
    """How well the pooled value of k noisy units tells that some of them are active.

    All units have normal noise of variance 1; the active ones have the mean `strength`. The area under the
    ROC curve is the probability that the pooled value with them is above one without.

    Parameters
    ----------
    strength : float
        Mean of an active unit.
    active, k : int
        Number of active units; of all units.

    Returns
    -------
    by_max, by_average : float
        The area for max pooling (a numerical integral) and for average pooling,
        ``Φ(active · strength / √(2k))``.

    Raises
    ------
    ValueError
        If `active` is not from 0 to k, or k is 0.

    Examples
    --------
    >>> by_max, by_average = detection(1.0, active=1, k=1)
    >>> round(by_max, 4) == round(by_average, 4)
    True
    """
    require(
        0 <= active <= k and k > 0,
        f"active: expected from 0 to k = {k}, k > 0, got {active}",
    )
    x = np.linspace(-10, 10 + strength, 4001)
    noise, signal = _normal_cdf(x), _normal_cdf(x - strength)
    without, with_them = noise**k, noise ** (k - active) * signal**active
    by_max = np.diff(with_them) @ (without[1:] + without[:-1]) / 2
    by_average = _normal_cdf(active * strength / sqrt(2 * k))
    return float(by_max), float(by_average)


def _normal_cdf(x):
    return (1 + np.vectorize(erf)(np.asarray(x) / sqrt(2))) / 2


def causal_conv1d(
    x: np.ndarray, w: np.ndarray, dilation: int = 1
) -> np.ndarray:
    """Causal convolution: y at t sees x up to t only, and of that every `dilation`-th entry.

    ``y[n, t, m] = Σ_ac x[n, t − (K − 1 − a) dilation, c] w[a, c, m]``, with zeros before the sequence begins.

    Parameters
    ----------
    x : (N, L, C)
        A batch of N sequences.
    w : (K, C, M)
        M filters of length K; the last entry meets the present.
    dilation : int
        Step from one entry that the kernel meets to the next, ≥ 1.

    Returns
    -------
    y : (N, L, M)
        As long as x; y at time t depends on x up to time t.

    Raises
    ------
    ValueError
        If `dilation` is less than 1, or shapes do not fit.

    Examples
    --------
    >>> x = np.arange(1.0, 7.0).reshape(1, 6, 1)
    >>> causal_conv1d(x, np.ones((2, 1, 1)), dilation=2).ravel()
    array([ 1.,  2.,  4.,  6.,  8., 10.])
    """
    require(dilation >= 1, f"dilation: expected ≥ 1, got {dilation}")
    past = (len(w) - 1) * dilation
    kernel = np.zeros((past + 1, *w.shape[1:]), w.dtype)
    kernel[::dilation] = w
    return conv1d(np.pad(x, [(0, 0), (past, 0), (0, 0)]), kernel)


def sequence_init(
    rng: np.random.Generator, channels: Sequence[int], classes: int
) -> CNN:
    """Draw a stack of convolutions of length 2 over sequences, and a head that sees one position.

    Parameters
    ----------
    rng : np.random.Generator
        Where the weights come from.
    channels : sequence of int
        Channels of the sequence, then of each layer.
    classes : int
        Number of classes.

    Returns
    -------
    params : CNN
        Kernels (2, C, M) of variance 2 / fan_in, biases 0, and the head.

    Examples
    --------
    >>> params = sequence_init(np.random.default_rng(0), [1, 4, 8], 3)
    >>> [w.shape for w, b in (*params.convs, params.head)]
    [(2, 1, 4), (2, 4, 8), (8, 3)]
    """
    shapes = [(2, a, b) for a, b in pairwise(channels)]
    shapes.append((channels[-1], classes))
    weights = [he_normal(rng, shape) for shape in shapes]
    *convs, head = [Layer(w, np.zeros(w.shape[-1])) for w in weights]
    return CNN(tuple(convs), head)


def first_of(
    n: int, length: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A task of memory: random signs, and the label is the first of them.

    Parameters
    ----------
    n, length : int
        Number of sequences; their length.
    rng : np.random.Generator
        Where the signs come from.

    Returns
    -------
    x, labels : (n, length, 1), (n,)
        Sequences of −1 and 1; 1 where the first sign is positive.

    Examples
    --------
    >>> x, labels = first_of(4, 3, np.random.default_rng(0))
    >>> x[:, 0, 0], labels
    (array([ 1., -1., -1.,  1.]), array([1, 0, 0, 1]))
    """
    x = rng.choice([-1.0, 1.0], (n, length, 1))
    return x, (x[:, 0, 0] > 0).astype(int)


def conv2d_by_loops(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Convolution as its formula says it: slow in Python, and the measure for all others.

    Parameters
    ----------
    x : (N, H, W, C)
        A batch of N images.
    w : (KH, KW, C, M)
        M filters.

    Returns
    -------
    y : (N, HO, WO, M)
        As ``conv2d`` without stride and pad.

    Examples
    --------
    >>> conv2d_by_loops(np.ones((1, 3, 3, 2)), np.ones((2, 2, 2, 1)))[0, :, :, 0]
    array([[8., 8.],
           [8., 8.]])
    """
    (n, h, width, _), (kh, kw, _, m) = x.shape, w.shape
    shape = n, h - kh + 1, width - kw + 1, m
    y = np.empty(shape, np.result_type(x, w))
    for image, i, j, k in np.ndindex(y.shape):
        window = x[image, i : i + kh, j : j + kw]
        y[image, i, j, k] = np.sum(window * w[..., k])
    return y


def conv2d_by_matrix(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Convolution as one matrix product: all windows of all images, copied into rows (im2col).

    Parameters
    ----------
    x : (N, H, W, C)
        A batch of N images.
    w : (KH, KW, C, M)
        M filters.

    Returns
    -------
    y : (N, HO, WO, M)
        As ``conv2d`` without stride and pad.

    Examples
    --------
    >>> conv2d_by_matrix(np.ones((1, 3, 3, 2)), np.ones((2, 2, 2, 1)))[0, :, :, 0]
    array([[8., 8.],
           [8., 8.]])
    """
    view = sliding_window_view(x, w.shape[:2], axis=(1, 2))
    windows = view.transpose(0, 1, 2, 4, 5, 3)  # (N, HO, WO, KH, KW, C)
    rows = windows.reshape(-1, w[..., 0].size)  # here the copy is made
    y = rows @ w.reshape(-1, w.shape[-1])
    return y.reshape(*windows.shape[:3], -1)
