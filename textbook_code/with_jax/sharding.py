"""Data parallel training: every device holds all parameters and a share of the batch.

The training step stays as it is. Where its arguments lie tells the compiler what to do: each device computes
the gradient of its rows, and the devices sum their gradients up before all of them take the same step.

Over several processes, one a machine for example, each starts with ``jax.distributed.initialize`` and passes
its own rows of the batch to ``shard_batch``. The rest is the same program.
"""

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from textbook_code._arguments import require


def data_mesh() -> Mesh:
    """All devices of all processes in a row; the axis is called "data".

    Returns
    -------
    mesh : jax.sharding.Mesh
        The devices.

    Examples
    --------
    >>> mesh = data_mesh()
    >>> mesh.axis_names, mesh.size == jax.device_count()
    (('data',), True)
    """
    return jax.make_mesh(
        (jax.device_count(),), ("data",), axis_types=(AxisType.Auto,)
    )


def replicate(tree, mesh: Mesh):
    """Put a copy of each array on each device.

    Parameters
    ----------
    tree : tree of jax.Array
        Parameters and states, the same in each process; they stay as they are.
    mesh : jax.sharding.Mesh
        As from ``data_mesh``.

    Returns
    -------
    tree : tree of jax.Array
        The same numbers, on all devices.

    Examples
    --------
    >>> w = replicate(jax.numpy.ones((3, 2)), data_mesh())
    >>> w.shape, w.sharding.is_fully_replicated
    ((3, 2), True)
    """
    everywhere = NamedSharding(mesh, P())

    def put(array):
        # A copy: where an array lies already, it would be shared, and then donated with its copies.
        return jax.make_array_from_process_local_data(
            everywhere, np.array(array)
        )

    return jax.tree.map(put, tree)


def shard_batch(batch, mesh: Mesh):
    """Deal the rows of a batch out to the devices.

    Parameters
    ----------
    batch : tree of jax.Array
        Arrays of N rows, as ``(x, labels)``: in each process the rows that it contributes.
    mesh : jax.sharding.Mesh
        As from ``data_mesh``.

    Returns
    -------
    batch : tree of jax.Array
        The same rows, those of all processes together, an equal share on each device.

    Raises
    ------
    ValueError
        If the rows cannot be shared out equally.

    Examples
    --------
    >>> mesh = data_mesh()
    >>> x = shard_batch(jax.numpy.ones((8 * mesh.size, 3)), mesh)
    >>> [shard.data.shape for shard in x.addressable_shards][0]
    (8, 3)
    """
    local = len(mesh.local_devices)
    for array in jax.tree.leaves(batch):
        rows = (*np.shape(array), 0)[0]  # a number has no rows
        require(
            rows and rows % local == 0,
            f"batch: expected a multiple of {local} rows, one share a device, got {rows}",
        )
    by_rows = NamedSharding(mesh, P("data"))
    return jax.tree.map(
        lambda a: jax.make_array_from_process_local_data(
            by_rows, np.asarray(a)
        ),
        batch,
    )
