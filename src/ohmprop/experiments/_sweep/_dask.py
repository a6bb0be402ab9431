"""Chunks of a sweep on the workers of a Dask cluster."""

import re
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from ohmprop import __version__
from ohmprop._core import BadInput
from ohmprop.experiments._sweep._chunk import Arrays, planned, run_chunk

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10.0  # to wait for the scheduler, and then for a first worker
CHUNKS_PER_THREAD = 2  # in flight: one runs, one waits
_ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):\d{1,5}")


def train(
    text: str, numbers: list[int], scheduler: str
) -> Generator[tuple[int, Arrays], None, None]:
    """Train chunks of the sweep in `text` on a Dask cluster, and yield each as it ends.

    A chunk whose worker dies is given to another one. Workers need this version of the package
    and see files, such as a CSV of data, under the same paths.

    Args:
        text: the sweep, as `Sweep.text` writes it.
        numbers: the chunks to train.
        scheduler: address, such as tcp://127.0.0.1:8786.

    Yields:
        the number of a chunk, and its records.

    Raises:
        BadInput: no cluster answers there, or it cannot do the work.
    """
    with connected(scheduler) as client:
        from distributed import CancelledError, KilledWorker, as_completed
        from distributed.comm.core import CommClosedError

        waiting = iter(numbers)
        sweep = uuid.uuid4().hex  # so that no task of another sweep has the same key

        def submit(count: int) -> list[Any]:
            return [
                client.submit(_work, text, k, __version__, key=f"ohmprop-{sweep}-{k}")
                for k in islice(waiting, count)
            ]

        try:
            running = as_completed(submit(_room(client)), loop=client.loop)
            for future in running:
                number, arrays = int(future.key.rpartition("-")[2]), future.result()
                future.release()
                running.update(submit(max(_room(client) - running.count(), 0)))
                yield number, arrays
        except KilledWorker as error:
            chunk = str(error.task).rpartition("-")[2]
            raise BadInput(
                f"{scheduler}: the workers keep dying at chunk {chunk} or beside it, perhaps for "
                "lack of memory; continue with --resume on workers with more of it"
            ) from None
        except ImportError as error:
            raise BadInput(f"{scheduler}: a worker cannot run ohmprop: {error}") from None
        except (CancelledError, CommClosedError):
            raise BadInput(f"{scheduler}: the connection is lost; continue with --resume") from None


def _work(text: str, number: int, version: str) -> Arrays:
    """The records of one chunk, on a worker of the same version that sees the same files."""
    if version != __version__:
        raise BadInput(f"a worker has ohmprop {__version__}; expected {version}")
    plan = planned(text)[1]
    if number >= len(plan.chunks):
        reason = next(iter(plan.refused.values()), "its data differ")
        raise BadInput(f"a worker finds another sweep than this machine: {reason}")
    return run_chunk(text, number)


def _room(client: "Client") -> int:
    """Chunks that may be in flight with the threads there now."""
    threads: Any = client.nthreads()
    return CHUNKS_PER_THREAD * max(sum(threads.values()), 1)


@contextmanager
def connected(scheduler: str) -> Iterator["Client"]:
    """A client of the cluster at `scheduler` that has a worker; closed at the end, come what may.

    Raises BadInput where the address is none, nothing answers there, or no worker is there.
    """
    try:
        from distributed import Client
    except ImportError:
        raise BadInput(
            "--scheduler needs Dask's distributed, which is not installed: install ohmprop[dask]"
        ) from None
    if not _ADDRESS.fullmatch(scheduler):
        raise BadInput(
            f"--scheduler: expected an address such as tcp://127.0.0.1:8786, found {scheduler!r}"
        )
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"--scheduler: no Dask scheduler answers at {scheduler} within {CONNECT_SECONDS:g} s "
            f"({str(error).splitlines()[0]}); start one with `dask scheduler`"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError:
            raise BadInput(
                f"--scheduler: the scheduler at {scheduler} has no workers; start some with "
                f"`dask worker {scheduler}`"
            ) from None
        yield client
