"""Which cells of a sweep share a program, and which a chunk."""

import equinox as eqx
import jax
import pytest
from _sweeps import AXES, sweep_of

from ohmprop.experiments._sweep import Sweep
from ohmprop.experiments._sweep import _chunk as chunk_module
from ohmprop.experiments._sweep import _plan as plan_module
from ohmprop.experiments._sweep._cells import Refused
from ohmprop.experiments._sweep._plan import make_plan, signature


def test_cells_that_differ_in_numbers_or_model_share_a_program():
    same = sweep_of(AXES | {"learning.beta": [1e-6, 1e-5]})
    shapes = {
        signature(s)[0] for k in range(len(same)) if not isinstance(s := same.spec(k), Refused)
    }
    assert len(shapes) == 1
    other = sweep_of({"network.hidden": [[2], [3]], "learning.epochs": [4, 5]})
    assert len({chunk.group for chunk in make_plan(other).chunks}) == 4


def test_chunks_hold_every_cell_once_and_know_the_same_models(monkeypatch):
    monkeypatch.setattr(plan_module, "CHUNK_CELLS", 5)
    sweep = sweep_of({"device.model": ["biolek", "linear"], "seed": {"count": 11}})
    plan = make_plan(sweep)
    own = [cell for chunk in plan.chunks for cell in chunk.cells[: chunk.own]]
    assert own == list(range(22))
    assert {len(chunk.cells) for chunk in plan.chunks} == {5}
    assert [chunk.own for chunk in plan.chunks] == [5, 5, 5, 5, 2]
    assert {chunk.kinds for chunk in plan.chunks} == {(0, 11)}
    assert make_plan(sweep) == plan


def forms(sweep: Sweep, monkeypatch) -> set:
    """Structure, shapes and dtypes of what each chunk of a sweep gives its program."""
    found = set()

    class Enough(Exception):
        pass

    def grab(*arguments, own):
        del own
        arrays, rest = eqx.partition(arguments, eqx.is_array)
        leaves, structure = jax.tree.flatten(arrays)
        kinds = tuple((leaf.shape, leaf.dtype.name) for leaf in leaves)
        found.add((structure, kinds, jax.tree.structure(rest)))
        raise Enough

    monkeypatch.setattr(chunk_module, "run_fleet", grab)
    for chunk in make_plan(sweep).chunks:
        with pytest.raises(Enough):
            chunk_module.records(sweep, chunk)
    return found


def test_chunks_of_one_scheme_each_share_a_program(monkeypatch):
    monkeypatch.setattr(plan_module, "CHUNK_CELLS", 4)
    sweep = sweep_of({"write.scheme": ["pwm", "pam"], "seed": {"count": 6}})
    assert len(make_plan(sweep).chunks) == 3  # pwm, both, pam
    assert len(forms(sweep, monkeypatch)) == 1


def test_sweeps_of_one_shape_share_a_program(monkeypatch):
    """However many seeds, though these draw other rows; and with a last chunk not full."""
    monkeypatch.setattr(plan_module, "CHUNK_CELLS", 4)
    few = sweep_of({"learning.rates": [1e-9, 2e-9]})
    many = sweep_of({"seed": {"count": 6}})
    assert forms(few, monkeypatch) == forms(many, monkeypatch)
