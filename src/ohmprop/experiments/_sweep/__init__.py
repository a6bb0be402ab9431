"""Sweeps: many runs of one spec, along named axes, as one labelled dataset."""

from ohmprop.experiments._sweep._cells import Sweep as Sweep
from ohmprop.experiments._sweep._cells import load_sweep as load_sweep
from ohmprop.experiments._sweep._run import State as State
from ohmprop.experiments._sweep._run import run_sweep as run_sweep
from ohmprop.experiments._sweep._store import open_dataset as open_dataset
from ohmprop.experiments._sweep._store import write_dataset as write_dataset
