"""Sweeps on a Dask cluster: the same dataset as at home, though a worker is killed."""

import os
import signal
import socket
import sys

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

from ohmprop import __version__
from ohmprop._core import BadInput
from ohmprop.experiments._sweep import Sweep, _dask, load_sweep, run_sweep
from ohmprop.experiments._sweep._chunk import planned

distributed = pytest.importorskip("distributed")

SWEEP = {
    "name": "small",
    "data": {"dataset": "iris"},
    "network": {"hidden": [2]},
    "device": {"model": "linear"},
    "learning": {"rates": 1e-7, "epochs": 3},
    "sweep": {"seed": {"count": 520}},  # one program, 5 chunks
}


@pytest.fixture
def compiled_once(tmp_path, monkeypatch):
    """One folder of compiled programs for this process and its workers."""
    options = {
        "jax_compilation_cache_dir": str(tmp_path / "cache"),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in options}
    for name, value in options.items():
        monkeypatch.setenv(name.upper(), str(value))
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


@pytest.fixture
def cluster(compiled_once):
    """Two worker processes of one thread each, on this machine only."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as local:
        yield local


@pytest.mark.slow
def test_the_dataset_is_that_of_a_local_run_though_a_worker_is_killed(cluster, tmp_path):
    sweep = load_sweep(SWEEP)
    assert len(planned(sweep.text)[1].chunks) >= 4
    home = run_sweep(sweep, tmp_path / "home.nc")
    killed = []

    def kill(state):
        if state.fresh and not killed:
            assert state.done < state.total
            killed.append(cluster.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    away = run_sweep(
        sweep, tmp_path / "away.nc", scheduler=cluster.scheduler_address, progress=kill
    )
    assert killed
    assert away.identical(home)
    assert not away["failure"].str.len().any()
    assert not cluster.scheduler.tasks  # nothing is left to compute for a client that is gone


def double(text, number, version):
    """In the place of a chunk's work."""
    return {"twice": 2 * number}


@pytest.fixture
def thread_cluster(monkeypatch):
    """One worker of two threads in this process, whose work is `double`."""
    monkeypatch.setattr(_dask, "_work", double)
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as local:
        yield local


def clients(cluster):
    return [name for name in cluster.scheduler.clients if name.startswith("Client")]


def test_few_chunks_are_in_flight_and_each_comes_once(thread_cluster):
    scheduler, found, most = thread_cluster.scheduler, {}, 0
    for number, arrays in _dask.train("", list(range(3, 40)), scheduler.address):
        assert number not in found and len(clients(thread_cluster)) == 1
        found[number] = arrays["twice"]
        most = max(most, len(scheduler.tasks))
    assert found == {k: 2 * k for k in range(3, 40)}
    assert most <= 6  # two a thread, and those just being forgotten
    assert not clients(thread_cluster)


def test_an_interruption_closes_the_connection(thread_cluster):
    results = _dask.train("", list(range(40)), thread_cluster.scheduler.address)
    next(results)
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)
    assert not clients(thread_cluster)


def test_a_lost_scheduler(thread_cluster):
    results = _dask.train("", list(range(40)), thread_cluster.scheduler.address)
    next(results)
    thread_cluster.close()
    with pytest.raises(BadInput, match="the connection is lost; continue with --resume"):
        list(results)


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "tcp://", "http://a:1", "tcp://a:port"])
def test_a_malformed_address_is_refused(address):
    with pytest.raises(BadInput, match="expected an address such as tcp://127.0.0.1:8786"):
        next(_dask.train("", [0], address))


def test_no_scheduler_at_the_address(monkeypatch):
    monkeypatch.setattr(_dask, "CONNECT_SECONDS", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # nobody listens here
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(BadInput, match="no Dask scheduler answers at .* within 0.5 s"):
            next(_dask.train("", [0], address))


def test_a_scheduler_without_workers(monkeypatch):
    monkeypatch.setattr(_dask, "CONNECT_SECONDS", 1.0)
    with distributed.LocalCluster(
        n_workers=0,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as empty:
        with pytest.raises(BadInput, match="has no workers; start some with `dask worker tcp://"):
            next(_dask.train("", [0], empty.scheduler_address))
        assert not clients(empty)


def test_without_distributed(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadInput, match=r"install ohmprop\[dask\]"):
        next(_dask.train("", [0], "tcp://127.0.0.1:8786"))


def test_a_worker_of_another_version_or_without_the_data_is_refused(tmp_path):
    with pytest.raises(BadInput, match="a worker has ohmprop .*; expected 0.0.0"):
        _dask._work("", 0, "0.0.0")
    text = Sweep(SWEEP | {"data": {"csv": "none.csv", "target": "y"}}, tmp_path).text
    with pytest.raises(BadInput, match="a worker finds another sweep than this machine: .*none.c"):
        _dask._work(text, 0, __version__)
