"""Convolution: one small dense layer, applied at every place of an image or of a sequence.

The convolution of deep learning does not flip the kernel; signal processing calls it cross-correlation.
Images are (N, H, W, C), kernels (KH, KW, C, M). With the channels last a window lies in memory as a few
long runs; copied into the rows of a matrix, all windows meet the kernel in one matrix product.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from textbook_code._arguments import (
    expect,
    expect_image,
    expect_pads,
    require,
)

# Entries of the matrix of windows at a time: it shall still be in the cache when it is multiplied. All images
# at once would take KH · KW times the memory of x, and be slower.
BLOCK = 524_288


def conv2d(
    x: np.ndarray, w: np.ndarray, stride: int = 1, pad: int | str = 0
) -> np.ndarray:
    """Convolution: y[n, i, j, m] = Σ_abc xp[n, i stride + a, j stride + b, c] w[a, b, c, m].

    xp is x with ``pad`` zeros on each side; HO = ⌊(H + 2 pad - KH) / stride⌋ + 1, WO likewise.

    Parameters
    ----------
    x : (N, H, W, C)
        A batch of N images.
    w : (KH, KW, C, M)
        M filters of KH × KW.
    stride : int
        Step from one window to the next, ≥ 1.
    pad : int or "same"
        Zeros on each side, ≥ 0; "same" means (KH - 1) / 2 and (KW - 1) / 2, for odd KH and KW.

    Returns
    -------
    y : (N, HO, WO, M)
        M features for each window.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, stride or pad is out of range, or the kernel is
        larger than the padded image.

    References
    ----------
    LeCun et al., Backpropagation Applied to Handwritten Zip Code Recognition, Neural Computation 1(4), 1989.
    Chellapilla, Puri and Simard, High Performance Convolutional Neural Networks for Document Processing,
    IWFHR 2006 (the windows as rows of a matrix).

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> conv2d(x, np.ones((2, 2, 1, 1)))[0, :, :, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    expect("N H W C, KH KW C M", x=x, w=w)
    pads = expect_pads(x.shape[1:3], w.shape[:2], stride, pad)
    y = np.empty(_out_shape(x, w, stride, pads), x.dtype)
    kernel = w.reshape(-1, w.shape[-1])
    for part, windows in _windows(x, w, stride, pads):
        np.matmul(windows, kernel, out=y[part].reshape(-1, y.shape[-1]))
    return y


def conv2d_vjp(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: int = 1,
    pad: int | str = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Derivative of ``conv2d``: wherever a weight met a pixel, dw gets x dy, and dx gets w dy.

    Parameters
    ----------
    dy : (N, HO, WO, M)
        Gradient of the loss with respect to the output.
    x : (N, H, W, C)
        A batch of N images.
    w : (KH, KW, C, M)
        M filters of KH × KW.
    stride : int
        Step from one window to the next, ≥ 1.
    pad : int or "same"
        Zeros on each side, ≥ 0; "same" means (KH - 1) / 2 and (KW - 1) / 2, for odd KH and KW.

    Returns
    -------
    dx, dw : (N, H, W, C), (KH, KW, C, M)
        Gradients of the loss with respect to x and w.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, stride or pad is out of range, or the kernel is
        larger than the padded image.

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> dx, dw = conv2d_vjp(np.ones((1, 2, 2, 1)), x, np.ones((2, 2, 1, 1)))
    >>> dx[0, :, :, 0]  # in how many windows each pixel lies
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    expect("N H W C, KH KW C M, N HO WO M", x=x, w=w, dy=dy)
    pads = expect_pads(x.shape[1:3], w.shape[:2], stride, pad)
    _expect_gradient(dy, _out_shape(x, w, stride, pads))
    dx = _image_gradient(dy, x, w, stride, pads)
    return dx, _kernel_gradient(dy, x, w, stride, pads)


def conv1d(
    x: np.ndarray, w: np.ndarray, stride: int = 1, pad: int | str = 0
) -> np.ndarray:
    """Convolution of sequences: y[n, i, m] = Σ_ac xp[n, i stride + a, c] w[a, c, m].

    xp is x with ``pad`` zeros at each end; LO = ⌊(L + 2 pad - K) / stride⌋ + 1.

    Parameters
    ----------
    x : (N, L, C)
        A batch of N sequences.
    w : (K, C, M)
        M filters of length K.
    stride : int
        Step from one window to the next, ≥ 1.
    pad : int or "same"
        Zeros at each end, ≥ 0; "same" means (K - 1) / 2, for odd K.

    Returns
    -------
    y : (N, LO, M)
        M features for each window.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, stride or pad is out of range, or the kernel is
        longer than the padded sequence.

    Examples
    --------
    >>> x = np.array([[[1.0], [2.0], [4.0]]])
    >>> conv1d(x, np.array([[[-1.0]], [[1.0]]]))[0, :, 0]  # differences
    array([1., 2.])
    """
    expect("N L C, K C M", x=x, w=w)
    xp = _padded(x, expect_pads(x.shape[1:2], w.shape[:1], stride, pad))
    return conv2d(xp[:, :, None], w[:, None], stride)[:, :, 0]


def conv1d_vjp(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: int = 1,
    pad: int | str = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Derivative of ``conv1d``: that of ``conv2d`` for images of width 1.

    Parameters
    ----------
    dy : (N, LO, M)
        Gradient of the loss with respect to the output.
    x : (N, L, C)
        A batch of N sequences.
    w : (K, C, M)
        M filters of length K.
    stride : int
        Step from one window to the next, ≥ 1.
    pad : int or "same"
        Zeros at each end, ≥ 0; "same" means (K - 1) / 2, for odd K.

    Returns
    -------
    dx, dw : (N, L, C), (K, C, M)
        Gradients of the loss with respect to x and w.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, stride or pad is out of range, or the kernel is
        longer than the padded sequence.

    Examples
    --------
    >>> x = np.array([[[1.0], [2.0], [4.0]]])
    >>> dx, dw = conv1d_vjp(np.ones((1, 2, 1)), x, np.array([[[-1.0]], [[1.0]]]))
    >>> dx[0, :, 0], dw[:, 0, 0]
    (array([-1.,  0.,  1.]), array([3., 6.]))
    """
    expect("N L C, K C M, N LO M", x=x, w=w, dy=dy)
    pads = expect_pads(x.shape[1:2], w.shape[:1], stride, pad)
    _expect_gradient(dy, _out_shape(x, w, stride, pads))
    xp = _padded(x, pads)[:, :, None]
    dxp, dw = conv2d_vjp(dy[:, :, None], xp, w[:, None], stride)
    return dxp[:, pads[0] :][:, : x.shape[1], 0], dw[:, 0]


def conv2d_as_dense(
    w: np.ndarray,
    in_shape: tuple[int, int, int],
    stride: int = 1,
    pad: int | str = 0,
) -> np.ndarray:
    """The matrix of a convolution: for flattened x and y, y = conv2d(x, w) is y = x matrix.

    The columns of one filter hold the same few weights, and zeros elsewhere: a convolution is a dense layer
    that shares weights and looks only near by. Row d is the output for an image whose entry d is 1 and all
    others 0.

    Parameters
    ----------
    w : (KH, KW, C, M)
        M filters of KH × KW.
    in_shape : tuple of int
        The shape (H, W, C) of one image.
    stride : int
        Step from one window to the next, ≥ 1.
    pad : int or "same"
        Zeros on each side, ≥ 0; "same" means (KH - 1) / 2 and (KW - 1) / 2, for odd KH and KW.

    Returns
    -------
    matrix : (D, P)
        D = H · W · C inputs, P = HO · WO · M outputs.

    Raises
    ------
    ValueError
        If shapes do not fit, stride or pad is out of range, or the kernel is larger than the padded image.

    Examples
    --------
    >>> w = np.array([1.0, 2.0]).reshape(1, 2, 1, 1)
    >>> conv2d_as_dense(w, (1, 4, 1))
    array([[1., 0., 0.],
           [2., 1., 0.],
           [0., 2., 1.],
           [0., 0., 2.]])
    """
    expect("KH KW C M", w=w)
    expect_image(in_shape, w.shape[2])
    y = conv2d(_lit_pixels(in_shape, w.dtype), w, stride, pad)
    return y.reshape(len(y), -1)


def conv2d_as_dense_vjp(
    dy: np.ndarray,
    w: np.ndarray,
    in_shape: tuple[int, int, int],
    stride: int = 1,
    pad: int | str = 0,
) -> np.ndarray:
    """Derivative of ``conv2d_as_dense``: each weight gathers the gradients of all entries that hold it.

    Parameters
    ----------
    dy : (D, P)
        Gradient of the loss with respect to the matrix.
    w : (KH, KW, C, M)
        M filters of KH × KW.
    in_shape : tuple of int
        The shape (H, W, C) of one image.
    stride : int
        Step from one window to the next, ≥ 1.
    pad : int or "same"
        Zeros on each side, ≥ 0; "same" means (KH - 1) / 2 and (KW - 1) / 2, for odd KH and KW.

    Returns
    -------
    dw : (KH, KW, C, M)
        Gradient of the loss with respect to w.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, stride or pad is out of range, or the kernel is larger than the padded
        image.

    Examples
    --------
    >>> w = np.array([1.0, 2.0]).reshape(1, 2, 1, 1)
    >>> conv2d_as_dense_vjp(np.ones((4, 3)), w, (1, 4, 1)).ravel()  # each weight stands at three places
    array([3., 3.])
    """
    expect("KH KW C M", w=w)
    expect_image(in_shape, w.shape[2])
    x = _lit_pixels(in_shape, w.dtype)
    pads = expect_pads(x.shape[1:3], w.shape[:2], stride, pad)
    shape = _out_shape(x, w, stride, pads)
    expect("D P, ...", dy=dy, w=w)
    _expect_gradient(dy, (len(x), shape[1] * shape[2] * shape[3]))
    return _kernel_gradient(dy.reshape(shape), x, w, stride, pads)


def _kernel_gradient(dy, x, w, stride, pads):
    dw = np.zeros((w[..., 0].size, w.shape[-1]), w.dtype)
    for part, windows in _windows(x, w, stride, pads):
        dw += windows.T @ dy[part].reshape(-1, dy.shape[-1])
    return dw.reshape(w.shape)


def _image_gradient(dy, x, w, stride, pads):
    """Send dy back through each tap of the kernel to the pixels that the tap saw."""
    (n, h, width, c), (_, ho, wo, m), (p, q) = x.shape, dy.shape, pads
    dxp = np.zeros((n, h + 2 * p, width + 2 * q, c), x.dtype)
    for images in _some_images(x, w, stride, pads):
        rows = dy[images].reshape(-1, m)
        for a, b in np.ndindex(w.shape[:2]):
            below = dxp[images, a::stride, b::stride]
            below[:, :ho, :wo] += (rows @ w[a, b].T).reshape(-1, ho, wo, c)
    return dxp[:, p : p + h, q : q + width]


def _windows(x, w, stride, pads):
    """Give the windows under the kernel as rows of a matrix, part by part, and where their results belong.

    A part is some images, or some rows of one, such that its matrix is still in the cache when it is used.
    """
    kh, kw = w.shape[:2]
    _, ho, wo, _ = _out_shape(x, w, stride, pads)
    step = min(ho, max(1, BLOCK // (wo * w[..., 0].size)))
    for images in _some_images(x, w, stride, pads):
        xp = _padded(x[images], pads)
        windows = sliding_window_view(xp, (kh, kw), axis=(1, 2))
        windows = windows[:, ::stride, ::stride]  # (N, HO, WO, C, KH, KW)
        for i in range(0, ho, step):
            rows = slice(i, i + step)
            yield (images, rows), _as_matrix(windows[:, rows])


def _as_matrix(windows):
    c, kh, kw = windows.shape[3:]
    if c <= 4:  # runs along the image are longer than those along the window
        by_entry = windows.transpose(4, 5, 3, 0, 1, 2)
        return by_entry.reshape(kh * kw * c, -1).T
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kh * kw * c)


def _some_images(x, w, stride, pads):
    n, ho, wo, _ = _out_shape(x, w, stride, pads)
    step = max(1, BLOCK // (ho * wo * w[..., 0].size))
    return [slice(i, i + step) for i in range(0, n, step)]


def _padded(x, pads):
    ends = [(p, p) for p in pads]
    return np.pad(x, [(0, 0), *ends, (0, 0)]) if any(pads) else x


def _out_shape(x, w, stride, pads):
    sides = [
        (size + 2 * p - k) // stride + 1
        for size, p, k in zip(x.shape[1:], pads, w.shape, strict=False)
    ]
    return len(x), *sides, w.shape[-1]


def _lit_pixels(in_shape, dtype):
    """As many images as an image has entries, each with another one at 1."""
    return np.eye(np.prod(in_shape), dtype=dtype).reshape(-1, *in_shape)


def _expect_gradient(dy, shape):
    require(dy.shape == shape, f"dy: expected shape {shape}, got {dy.shape}")
