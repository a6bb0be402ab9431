"""Which cells run together: groups of one shape, cut into chunks by the spec alone."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ohmprop.experiments._build import load_data, make_network
from ohmprop.experiments._run import epoch_seconds
from ohmprop.experiments._spec import Spec
from ohmprop.experiments._sweep._cells import Refused, Sweep

CHUNK_SECONDS = 2.0  # what a compiled call may take: no more than this is lost to a kill
CHUNK_BYTES = 2**27
CHUNK_CELLS = 128  # beyond, a wider map gains nothing


class Chunk(NamedTuple):
    """Cells that one compiled call trains.

    The last one fills the chunk up to the size that all chunks of a `group` have, for they share
    one program; only the first `own` are the chunk's own. `kinds`: a cell for each kind of device
    and pulse scheme in the group, which the program must know.
    """

    number: int
    group: int
    cells: tuple[int, ...]
    own: int
    kinds: tuple[int, ...]


class Plan(NamedTuple):
    """The chunks of a sweep, the cells that cannot be, with the reason, and a hash of all specs."""

    chunks: tuple[Chunk, ...]
    refused: dict[int, str]
    digest: str


def make_plan(sweep: Sweep) -> Plan:
    """Cut `sweep` into chunks; the same spec always gives the same chunks."""
    groups: dict[str, list[int]] = {}
    kinds: dict[str, dict[str, int]] = {}
    sizes: dict[str, int] = {}
    refused: dict[int, str] = {}
    digest = hashlib.sha256()
    for cell in range(len(sweep)):
        spec = sweep.spec(cell)
        if isinstance(spec, Refused):
            refused[cell] = spec.reason
            continue
        digest.update(spec.model_dump_json().encode())
        shape, kind = signature(spec)
        if shape not in groups:
            try:
                sizes[shape] = _chunk_size(spec)
            except ValueError as error:  # BadInput: of the data or of the network
                refused[cell] = str(error)
                continue
            groups[shape], kinds[shape] = [], {}
        groups[shape].append(cell)
        kinds[shape].setdefault(kind, cell)
    cut = [
        [(*part, tuple(kinds[shape].values())) for part in _cut(cells, sizes[shape])]
        for shape, cells in groups.items()
    ]
    chunks = [Chunk(number, group, *parts) for number, (group, parts) in enumerate(_in_turn(cut))]
    return Plan(tuple(chunks), refused, digest.hexdigest())


def _in_turn(cut: list[list[Any]]) -> Iterator[tuple[int, Any]]:
    """First the first chunk of every group, then the second ones: programs compile side by side."""
    for turn in range(max(map(len, cut), default=0)):
        for group, parts in enumerate(cut):
            if turn < len(parts):
                yield group, parts[turn]


def _cut(cells: list[int], size: int) -> list[tuple[tuple[int, ...], int]]:
    """Chunks of equal length, the last filled up; and how many cells of each are its own.

    Of `size` cells where there are so many, or half: then sweeps of one shape share a program.
    """
    length = size if 2 * len(cells) >= size else len(cells)
    parts = [cells[k : k + length] for k in range(0, len(cells), length)]
    return [(tuple(part + part[-1:] * (length - len(part))), len(part)) for part in parts]


def signature(spec: Spec) -> tuple[str, str]:
    """What cells must share to run in one program, and what those of one kind share in it.

    Left out is what a program takes as numbers: the values of devices, rates, amplitudes, first
    conductances, seeds.
    """
    d, n, learn = spec.data, spec.network, spec.learning
    shape = {
        "data": d.model_dump(exclude={"split_seed"}),
        "hidden": n.hidden,
        "bias": [len(b) for b in n.bias_volts],
        "diode": (n.diode.kind, n.diode.sides),
        "learning": learn.model_dump(exclude={"beta", "rates", "logit_scale"}),
        "write": (spec.write.scheme == "ideal", spec.write.integration),
        "dtype": spec.dtype,
    }
    kind = spec.device.model_dump(include={"model", "params"}) | {"scheme": spec.write.scheme}
    kind["options"] = {
        k: v if isinstance(v, str) else np.shape(v) for k, v in spec.device.overrides.items()
    }
    return json.dumps(shape), json.dumps(kind)


def _chunk_size(spec: Spec) -> int:
    """Cells of a chunk, from what one of them takes in time and memory."""
    data = load_data(spec)
    network = make_network(spec, data.inputs.shape[1], data.targets.shape[1])
    samples = spec.learning.batch_size or len(data.inputs)
    nodes = sum(rows + columns for rows, columns in network.shapes)
    devices = sum(rows * columns for rows, columns in network.shapes)
    width = network.layers[-1]
    bytes_ = 8 * (30 * samples * nodes + 4 * samples * width**2 + 60 * devices)
    seconds = spec.learning.epochs * epoch_seconds(spec, network, len(data.inputs))
    most = min(CHUNK_BYTES / bytes_, CHUNK_SECONDS / seconds, CHUNK_CELLS)
    return max(int(most), 1)
