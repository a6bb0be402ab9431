"""The README's Python runs as printed, in order, and learns."""

import re
from pathlib import Path

import numpy as np

_README = Path(__file__).resolve().parent.parent / "README.md"


def test_python_blocks_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", _README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 5
    names: dict = {}
    for block in blocks:
        exec(compile(block, str(_README), "exec"), names)
    assert names["summary"]["final_loss"] < 0.03
    assert names["summary"]["max_kcl_residual_ampere"] < 1e-15
    losses = names["records"]["loss"]
    assert losses[-1] < 0.2 * losses[0]
    measured = names["trainer"].evaluate(
        names["state"], names["iris"].test_inputs, names["iris"].test_targets
    )
    assert measured["accuracy"] > 0.9
    assert float(names["trace"].charge[-1]) != 0
    assert np.all(np.isfinite(names["free"].voltages[-1]))
    assert (tmp_path / "runs/api/history.csv").exists()
