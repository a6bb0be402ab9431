"""Check the arrays a netlist is written from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ohmprop._core import BadInput

Array = NDArray[np.float64]


def checked(
    network: Any,
    conductances: Sequence[ArrayLike],
    inputs: ArrayLike,
    currents: Sequence[ArrayLike | None] | None,
) -> tuple[list[Array], Array, list[Array | None]]:
    """Float64 copies of conductances, inputs and node currents; `BadInput` where they misfit."""
    shapes = network.shapes
    if len(conductances) != len(shapes):
        raise BadInput(
            f"conductances: expected {len(shapes)} arrays, one per crossbar, "
            f"got {len(conductances)}"
        )
    g = [
        _array(f"conductances[{i}]", value, tuple(shape))
        for i, (value, shape) in enumerate(zip(conductances, shapes, strict=True))
    ]
    for i, matrix in enumerate(g):
        if matrix.min(initial=0.0) < 0:
            raise BadInput(f"conductances[{i}]: expected siemens >= 0, got {matrix.min()}")
    x = _array("inputs", inputs, (None, network.features))
    nudges: list[Array | None] = [None] * len(shapes)
    if currents is not None:
        if len(currents) != len(shapes):
            raise BadInput(
                f"currents: expected {len(shapes)} entries, one per node layer, got {len(currents)}"
            )
        for i, current in enumerate(currents):
            if current is not None:
                nudges[i] = _array(f"currents[{i}]", current, (len(x), shapes[i][1]))
    return g, x, nudges


def _array(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> Array:
    array = np.asarray(value, np.float64)
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = tuple("batch" if n is None else n for n in shape)
        raise BadInput(f"{name}: expected shape {wanted}, got {array.shape}")
    if not np.isfinite(array).all():
        raise BadInput(f"{name}: expected finite numbers, got NaN or infinity; check the source")
    return array
