"""The files of a sweep: parts while it runs, one labelled dataset when it is done."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ohmprop import __version__
from ohmprop._core import BadInput
from ohmprop.experiments._checkpoint import write_atomically, write_text
from ohmprop.experiments._sweep._cells import Sweep, axis_coordinate
from ohmprop.experiments._sweep._chunk import HISTORIES, NUMBERS, Arrays

if TYPE_CHECKING:
    import xarray as xr

_ABOUT = {  # long name and unit of every variable; {C} is the loss's unit
    "loss": ("loss before the updates of each epoch", "{C}"),
    "accuracy": ("training accuracy before the updates of each epoch", "1"),
    "min_loss": ("least loss", "{C}"),
    "final_loss": ("loss after the last epoch", "{C}"),
    "final_accuracy": ("training accuracy after the last epoch", "1"),
    "test_accuracy": ("accuracy on held-out rows after the last epoch", "1"),
    "diode_on_fraction": ("conducting diodes, mean over epochs", "1"),
    "clipped_fraction": ("devices at a bound after a write, mean over epochs", "1"),
    "write_energy": ("energy of all write pulses", "J"),
    "kcl_residual": ("largest KCL residual of a free state", "A"),
    "kcl_relative": ("largest KCL residual over the currents at its node", "1"),
    "failure": ("why the run failed; empty where it did not", ""),
    "spec": ("the run's spec as JSON, for `ohmprop train`", ""),
}


class Store:
    """The folder of parts beside the result `path`, one file a chunk, each whole or absent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.with_name(path.name + ".parts")

    def open(self, identity: str, *, resume: bool, overwrite: bool) -> "xr.Dataset | None":
        """Prepare for the sweep `identity`; its dataset where it is to be resumed and is done.

        A file that is to be overwritten stays until the new one is whole. Raises BadInput where
        another sweep lies here.
        """
        if resume and overwrite:
            raise BadInput("--resume and --overwrite exclude each other")
        if self.path.is_dir():
            raise BadInput(f"{self.path} is a folder; expected a file such as sweep.nc")
        found = self._identity()
        finished = open_dataset(self.path) if resume and self.path.exists() else None
        own = finished is not None and finished.attrs.get("identity") == identity
        # Beside parts of this sweep, a file of another one is what they are to overwrite.
        if resume and found != identity and (found is not None or not (finished is None or own)):
            there = self.path if found is None else self.folder
            raise BadInput(
                f"{there} belongs to another sweep, other data or another version; resume with its "
                "spec, or start again with --overwrite"
            )
        if own:
            self.remove_parts()
            return finished
        if not resume and not overwrite and (found is not None or self.path.exists()):
            there = self.path if self.path.exists() else self.folder
            raise BadInput(f"{there} exists; continue with --resume or replace with --overwrite")
        if overwrite or found is None:  # without an identity: a removal that was broken off
            self.remove_parts()
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / "sweep.json", json.dumps({"identity": identity}) + "\n")
        return None

    def _identity(self) -> str | None:
        path = self.folder / "sweep.json"
        if not path.is_file():
            return None
        try:
            return str(json.loads(path.read_text(encoding="utf-8"))["identity"])
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"{path}: cannot be read; start again with --overwrite") from None

    def done(self) -> set[int]:
        """Numbers of the chunks that are stored."""
        return {int(path.stem.removeprefix("part-")) for path in self.folder.glob("part-*.npz")}

    def keep(self, number: int, arrays: Arrays) -> None:
        """Store a chunk's arrays."""
        write_atomically(self._part(number), lambda file: np.savez(file, **arrays))  # pyright: ignore[reportArgumentType]

    def load(self, number: int) -> Arrays:
        """A stored chunk's arrays; raises BadInput where the file is damaged."""
        path = self._part(number)
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except Exception as error:
            raise BadInput(
                f"{path}: cannot be read ({error}); remove this file and continue with --resume"
            ) from None

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:06d}.npz"

    def finish(self, dataset: "xr.Dataset") -> None:
        """Write the dataset, whole or not at all, and remove the parts."""
        write_dataset(dataset, self.path)
        self.remove_parts()

    def remove_parts(self) -> None:
        """Remove the folder of parts, if there is one."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)


def write_dataset(dataset: "xr.Dataset", path: Path) -> None:
    """Write NetCDF (HDF5) atomically, numbers compressed."""
    encoding: dict[Any, Any] = {
        name: {"zlib": True, "complevel": 1}
        for name, variable in dataset.variables.items()
        if variable.dtype.kind in "if" and variable.ndim
    }
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        dataset.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)
        write_atomically(path, lambda file: _copy(temporary, file))
    finally:
        temporary.unlink(missing_ok=True)


def _copy(source: Path, file: Any) -> None:
    with source.open("rb") as opened:
        shutil.copyfileobj(opened, file)


def open_dataset(path: str | Path) -> "xr.Dataset":
    """The dataset in a file that `sweep` wrote, whole in memory; raises BadInput if it is none."""
    import xarray as xr

    path = Path(path)
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    try:
        with xr.open_dataset(path, engine="h5netcdf") as stored:
            return stored.load()
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as NetCDF ({error})") from None


def assemble(sweep: Sweep, parts: Iterable[Arrays], refused: dict[int, str]) -> "xr.Dataset":
    """The labelled dataset of all cells; those in `refused` hold NaN and the reason."""
    import xarray as xr

    count = len(sweep)
    epochs = 1
    numbers = {name: np.full(count, np.nan) for name in NUMBERS}
    texts = {name: np.full(count, "", dtype=object) for name in ("failure", "spec")}
    histories: dict[str, np.ndarray] = {name: np.full((count, 1), np.nan) for name in HISTORIES}
    for arrays in parts:
        cells = arrays["cell"]
        longer = arrays["loss"].shape[1] - epochs
        if longer > 0:
            histories = {
                name: np.pad(h, ((0, 0), (0, longer)), constant_values=np.nan)
                for name, h in histories.items()
            }
            epochs += longer
        for name, history in histories.items():
            history[cells, : arrays[name].shape[1]] = arrays[name]
        for name, target in (numbers | texts).items():
            values = arrays[name]
            target[cells] = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
    for cell, reason in refused.items():
        texts["failure"][cell] = reason
    dims = tuple(axis.name for axis in sweep.axes)
    unit = _loss_unit(texts["spec"])
    variables: dict[str, Any] = {}
    for name, values in (numbers | texts | histories).items():
        own = (*dims, "epoch") if name in HISTORIES else dims
        shape = (*sweep.shape, epochs) if name in HISTORIES else sweep.shape
        about, units = _ABOUT[name]
        attributes = {"long_name": about} | ({"units": units.format(C=unit)} if units else {})
        variables[name] = (own, values.reshape(shape), attributes)
    coordinates: dict[str, Any] = {"epoch": np.arange(1, epochs + 1)}
    for axis in sweep.axes:
        for name, values in axis_coordinate(sweep, axis).items():
            array = np.asarray(values)
            if array.dtype.kind == "U":
                array = array.astype(object)
            coordinates[name] = (axis.name, array, {"key": ", ".join(axis.keys)})
    attributes = {"title": sweep.name, "sweep": json.dumps(sweep.raw), "version": __version__}
    return reduce_tuned(xr.Dataset(variables, coordinates, attributes), sweep)


def reduce_tuned(dataset: "xr.Dataset", sweep: Sweep) -> "xr.Dataset":
    """`dataset` at the best point of each tuned axis: the least `min_loss`, mean over the seeds.

    The points chosen stay as coordinates over the other axes. A point at which a run failed is
    chosen only where one failed at every point.
    """
    seeds = [axis.name for axis in sweep.axes if axis.keys == ("seed",) and not axis.tuned]
    tuned = [axis.name for axis in sweep.axes if axis.tuned]
    if not tuned:
        return dataset
    score = dataset["min_loss"].mean(seeds, skipna=False) if seeds else dataset["min_loss"]
    best = score.fillna(np.inf).argmin(tuned)
    kept = [axis.name for axis in sweep.axes if not axis.tuned]
    return dataset.isel(best).transpose(*kept, "epoch")  # pyright: ignore[reportArgumentType]


def _loss_unit(specs: np.ndarray) -> str:
    """V^2 where every run has the squared error, else none."""
    first = next((text for text in specs if text), "")
    losses = {json.loads(first)["learning"]["loss"]} if first else set()
    return "V^2" if losses == {"mse"} else "1"
