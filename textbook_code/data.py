"""Data sets: handwritten digits, points drawn from a seed, and how to split and shuffle them."""

import gzip
import io
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from textbook_code._arguments import (
    expect_finite,
    expect_generator,
    expect_integers,
    expect_real,
    expect_values,
    require,
)

DIGITS = Path(__file__).with_name("digits.npz")
DIGITS_CRC = 0xDB8A8C3  # of the bytes of digits.npz
MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def xor() -> tuple[np.ndarray, np.ndarray]:
    """The four points of the exclusive or.

    Returns
    -------
    x, y : (4, 2), (4, 1)
        The corners of the unit square, and 1 where exactly one coordinate is 1.

    Examples
    --------
    >>> x, y = xor()
    >>> np.hstack([x, y]).astype(int).tolist()
    [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    return x, (x[:, :1] != x[:, 1:]).astype(float)


def rings(
    n: int, noise: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two classes on two circles around the origin, of radius 1 and 2.

    Parameters
    ----------
    n : int
        Number of points, even: one half on each circle.
    noise : float
        Standard deviation of the normal noise on each coordinate, ≥ 0.
    seed : int
        Seed of the generator.

    Returns
    -------
    x, y : (n, 2), (n, 1)
        The points, and 0 for those of the inner circle (they come first), 1 for those of the outer one.

    Raises
    ------
    ValueError
        If `n` is not a positive even number.

    Examples
    --------
    >>> x, y = rings(4, noise=0.0)
    >>> np.hypot(*x.T).round(6), y.ravel()
    (array([1., 1., 2., 2.]), array([0., 0., 1., 1.]))
    """
    expect_integers(0, n=n, seed=seed)
    require(
        n > 0 and n % 2 == 0, f"n: expected a positive even number, got {n}"
    )
    expect_finite(noise=noise)
    rng = np.random.default_rng(seed)
    y = np.repeat([0.0, 1.0], n // 2)
    angle = rng.uniform(0, 2 * np.pi, n)
    x = (1 + y)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x + noise * rng.standard_normal(x.shape), y[:, None]


def spirals(
    n: int, noise: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two classes on two interleaved spirals, whose radius grows by 1 each turn.

    The second spiral is the first one, turned by half a turn: the gap between them is 1/2 wide.

    Parameters
    ----------
    n : int
        Number of points, even: one half on each spiral.
    noise : float
        Standard deviation of the normal noise on each coordinate, ≥ 0.
    seed : int
        Seed of the generator.

    Returns
    -------
    x, y : (n, 2), (n, 1)
        The points, at radius 1/4 to 3/2, and 0 for those of the first spiral (they come first), 1 for those
        of the second one.

    Raises
    ------
    ValueError
        If `n` is not a positive even number, `noise` is not a finite number ≥ 0, or `seed` not an
        integer ≥ 0.

    References
    ----------
    Lang and Witbrock, Learning to Tell Two Spirals Apart, Connectionist Models Summer School 1988.

    Examples
    --------
    >>> x, y = spirals(4, noise=0.0)
    >>> radius, turns = np.hypot(*x.T), np.arctan2(*x.T[::-1]) / (2 * np.pi)
    >>> ((radius - turns) % 1).round(6) % 1, y.ravel()
    (array([0. , 0. , 0.5, 0.5]), array([0., 0., 1., 1.]))
    """
    expect_integers(0, n=n, seed=seed)
    require(
        n > 0 and n % 2 == 0, f"n: expected a positive even number, got {n}"
    )
    expect_finite(noise=noise)
    rng = np.random.default_rng(seed)
    y = np.repeat([0.0, 1.0], n // 2)
    radius = rng.uniform(0.25, 1.5, n)
    angle = 2 * np.pi * radius + np.pi * y
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x + noise * rng.standard_normal(x.shape), y[:, None]


def linear(
    n: int, features: int, noise: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points for linear regression: y = x w plus normal noise, x and w standard normal.

    Parameters
    ----------
    n : int
        Number of points, ≥ 1.
    features : int
        Number of columns of x, ≥ 1.
    noise : float
        Standard deviation of the noise on y, ≥ 0.
    seed : int
        Seed of the generator.

    Returns
    -------
    x, y, w : (n, features), (n, 1), (features, 1)
        The points, their targets, and the weights to be found.

    Raises
    ------
    ValueError
        If `n` or `features` is not an integer ≥ 1, `noise` is not a finite number ≥ 0, or `seed` not an
        integer ≥ 0.

    Examples
    --------
    >>> x, y, w = linear(100, features=3, noise=0.0)
    >>> np.allclose(np.linalg.lstsq(x, y)[0], w)
    True
    """
    expect_integers(1, n=n, features=features)
    expect_integers(0, seed=seed)
    expect_finite(noise=noise)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, features))
    w = rng.standard_normal((features, 1))
    return x, x @ w + noise * rng.standard_normal((n, 1)), w


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits from 13 writers, 8×8 pixels each; they come with the package.

    The images and their order are those of scikit-learn's ``load_digits``, the pixels divided by 16. They are
    the test part of the data set named below, which UCI gives under the license CC BY 4.0.

    Returns
    -------
    x, labels : (1797, 8, 8), (1797,)
        Images in float64, from 0 (paper) to 1 (ink), and the digits 0 to 9 they show.

    Raises
    ------
    FileNotFoundError
        If the file is missing from the package.
    ValueError
        If the file is damaged.

    References
    ----------
    Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository 1998,
    archive.ics.uci.edu/dataset/80.

    Examples
    --------
    >>> x, labels = digits()
    >>> x.shape, labels[:12]
    ((1797, 8, 8), array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]))
    >>> for row in x[0]:
    ...     print("".join(" .:oO"[round(4 * pixel)] for pixel in row).rstrip())
      .o:
      oO:O.
     .O  o:
     .o  ::
     .:  ::
     .o  o:
      O.:o
      :o:
    """
    advice = "install textbook-code again"
    if not DIGITS.is_file():
        raise FileNotFoundError(f"{DIGITS}: no such file; {advice}")
    content = DIGITS.read_bytes()
    require(zlib.crc32(content) == DIGITS_CRC, f"{DIGITS}: damaged; {advice}")
    with np.load(io.BytesIO(content)) as arrays:
        return arrays["x"] / 16, arrays["labels"].astype(np.int64)


def mnist(
    path: str | os.PathLike,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Read MNIST, or a set made like it, from its four original files.

    They are train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    t10k-labels-idx1-ubyte, plain or gzipped (.gz). Some mirrors write a dot for the hyphen before idx: those
    are read too. The images come in float32, unlike ``digits``: in float64 they would take 440 MB.

    Parameters
    ----------
    path : str or path
        The folder of the four files.

    Returns
    -------
    train, test : tuples of (N, 28, 28) and (N,)
        ``(x_train, labels_train), (x_test, labels_test)``: images in float32, from 0 (paper) to 1 (ink), and
        their labels, 0 to 9.

    Raises
    ------
    FileNotFoundError
        If the folder or one of the files is missing.
    ValueError
        If a file is damaged or not what its name says, the numbers of images and labels differ, or a label is
        outside 0 to 9.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition, Proceedings of
    the IEEE 1998.

    Examples
    --------
    >>> mnist("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: nowhere: no such folder; expected one with train-images-idx3-ubyte, ...
    """
    folder = _as_path(path)
    files = [_mnist_file(folder, name) for name in MNIST_FILES]
    _expect_mnist(files[0], files[1])
    _expect_mnist(files[2], files[3])
    labels = [_read_labels(file) for file in files[1::2]]
    images = [read_idx(file) / np.float32(255) for file in files[::2]]
    return (images[0], labels[0]), (images[1], labels[1])


def read_idx(path: str | os.PathLike) -> np.ndarray:
    """Read an IDX file of unsigned bytes, the format of MNIST, plain or gzipped.

    Its first bytes are 0, 0, 8 and the number of axes. Then comes the length of each axis in four bytes, the
    highest first, then the entries in C order. The first bytes tell, too, whether the file is
    gzipped: its name does not matter.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    entries : (...)
        The array, in uint8.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no IDX file of unsigned bytes, truncated, too long, or a damaged gzip.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.array([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9], np.uint8).tofile(f"{folder}/labels")
    ...     read_idx(f"{folder}/labels")
    array([7, 8, 9], dtype=uint8)
    """
    path = _as_path(path)
    with _opened(path) as file:
        shape = _read_shape(file, path)
        entries = file.read()
    size, got = math.prod(shape), len(entries)
    fault = "truncated" if got < size else "too long"
    require(
        got == size,
        f"{path}: {fault}: expected {size} bytes for shape {shape}, got {got}",
    )
    return np.frombuffer(entries, np.uint8).reshape(shape).copy()


def train_test_split(
    x: np.ndarray,
    labels: np.ndarray,
    test_share: float,
    rng: np.random.Generator,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Shuffle, and set a share of the rows aside for the test.

    It does not stratify: each part holds as many of a class as chance gives it.

    Parameters
    ----------
    x : (N, ...)
        The inputs.
    labels : (N, ...)
        Their labels, or other targets.
    test_share : float
        Share of the rows that goes to the test, in (0, 1); N test_share is rounded.
    rng : np.random.Generator
        Where the order comes from.

    Returns
    -------
    train, test : tuples of (N, ...) and (N, ...)
        ``(x_train, labels_train), (x_test, labels_test)``, copies.

    Raises
    ------
    ValueError
        If x and labels differ in length, test_share is outside (0, 1), a part would be empty, or rng is no
        Generator.

    Examples
    --------
    >>> x, labels = digits()
    >>> train, test = train_test_split(x, labels, 0.2, np.random.default_rng(0))
    >>> [len(part) for part in (*train, *test)]
    [1438, 1438, 359, 359]
    """
    _expect_rows(x, labels)
    expect_generator(rng)
    expect_real(test_share=test_share)
    require(
        0 < test_share < 1,
        f"test_share: expected a number in (0, 1), got {test_share}",
    )
    n = round(len(x) * float(test_share))
    require(
        0 < n < len(x),
        f"test_share: expected a row for each part, got {n} of {len(x)} to test",
    )
    order = rng.permutation(len(x))
    test, train = order[:n], order[n:]
    return (x[train], labels[train]), (x[test], labels[test])


def batches(
    x: np.ndarray, labels: np.ndarray, size: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Go through the rows once, shuffled, in batches of one size: an epoch.

    The rows that do not fill a last batch are left out. The next epoch, shuffled anew, leaves out others, as
    a rule.

    Parameters
    ----------
    x : (N, ...)
        The inputs.
    labels : (N, ...)
        Their labels, or other targets.
    size : int
        Rows a batch, from 1 to N.
    rng : np.random.Generator
        Where the order comes from.

    Returns
    -------
    batches : iterator
        Pairs of a batch of x and the same rows of labels.

    Raises
    ------
    ValueError
        If x and labels differ in length, size is not an integer from 1 to N, or rng is no Generator.

    Examples
    --------
    >>> x = np.arange(7)
    >>> for x_batch, labels_batch in batches(x, x % 2, 3, np.random.default_rng(0)):
    ...     print(x_batch, labels_batch)
    [2 4 3] [0 0 1]
    [6 5 0] [0 1 0]
    """
    _expect_rows(x, labels)
    expect_generator(rng)
    expect_integers(1, size=size)
    require(
        size <= len(x),
        f"size: expected at most {len(x)}, the rows of x, got {size}",
    )
    rows = rng.permutation(len(x))[: len(x) // size * size]
    return ((x[i], labels[i]) for i in rows.reshape(-1, size))


def _as_path(path) -> Path:
    require(
        isinstance(path, str | os.PathLike),
        f"path: expected a path, got {type(path).__name__}",
    )
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # ~ of an unknown user
        raise FileNotFoundError(f"{path}: {error}") from error


def _mnist_file(folder: Path, name: str) -> Path:
    """Find one of the four files under the names it goes by."""
    wanted = f"{', '.join(MNIST_FILES)} (plain or .gz)"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: no such folder; expected one with {wanted}"
        )
    for stem in (name, name.replace("-idx", ".idx")):
        for file in (folder / stem, folder / f"{stem}.gz"):
            if file.is_file():
                return file
    raise FileNotFoundError(f"{folder / name}: no such file; expected {wanted}")


def _expect_mnist(images: Path, labels: Path) -> None:
    """Check from the headers alone that two files hold images and as many labels."""
    shapes = []
    for path in (images, labels):
        with _opened(path) as file:
            shapes.append(_read_shape(file, path))
    n = shapes[0][0]
    require(
        n > 0 and shapes[0] == (n, 28, 28),
        f"{images}: expected images, shape (N, 28, 28), got shape {shapes[0]}",
    )
    require(
        shapes[1] == (n,),
        f"{labels}: expected labels, shape ({n},) as {images.name} has {n} images, got shape {shapes[1]}",
    )


def _read_labels(path: Path) -> np.ndarray:
    labels = read_idx(path)
    expect_values(str(path), labels, 0, 9)
    return labels.astype(np.int64)


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open a file, unzipping it if it is gzipped; what is wrong with the gzip becomes a ValueError."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    with open(path, "rb") as raw:
        gzipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            yield gzip.GzipFile(fileobj=raw) if gzipped else raw
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{path}: expected a whole gzip, got a damaged one: {error}"
            ) from error


def _read_shape(file: io.BufferedIOBase, path: Path) -> tuple[int, ...]:
    """Read the header of an IDX file: magic bytes, number of axes, length of each."""
    magic = file.read(4)
    require(
        len(magic) == 4 and magic[:3] == b"\0\0\x08" and 0 < magic[3] <= 32,
        f"{path}: expected an IDX file of unsigned bytes, which begins with 00 00 08 and the number of axes, "
        f"got {magic.hex(' ') or 'nothing'}",
    )
    sizes = file.read(4 * magic[3])
    require(
        len(sizes) == 4 * magic[3],
        f"{path}: truncated: expected {4 * magic[3]} bytes for {magic[3]} axes, got {len(sizes)}",
    )
    return tuple(np.frombuffer(sizes, ">u4").tolist())


def _expect_rows(x, labels) -> None:
    """Check two arrays with one row for each other, at least one."""
    for name, array in {"x": x, "labels": labels}.items():
        shape = getattr(array, "shape", None)
        require(
            shape is not None,
            f"{name}: expected an array, got {type(array).__name__}",
        )
        require(
            shape and shape[0] > 0,
            f"{name}: expected shape (N, ...), none of it empty, got {shape}",
        )
    require(
        len(x) == len(labels),
        f"labels: expected {len(x)} rows as in x, got {len(labels)}",
    )
