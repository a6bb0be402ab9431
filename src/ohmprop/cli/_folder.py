"""The folder a command leaves its results in: refused where occupied, filled all at once."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ohmprop._core import BadInput


def require_free(out: Path, overwrite: bool) -> None:
    """Refuse what cannot be a folder, and one with something in it unless `overwrite`."""
    holder = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
    if not holder.is_dir():
        where = "" if out.exists() else f"{out}: "
        raise BadInput(f"{where}{holder if where else out} is a file; expected a folder")
    if not os.access(holder, os.W_OK):
        raise BadInput(f"{out}: no permission to write in {holder}")
    if out.is_dir() and any(out.iterdir()) and not overwrite:
        raise BadInput(f"{out} is not empty; choose another folder or replace with --overwrite")


@contextmanager
def drafted(out: Path) -> Iterator[Path]:
    """A folder to write into; at the end its files move to `out`, on an error none of them."""
    new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft.", dir=out))
    try:
        yield draft
        for path in sorted(draft.iterdir()):
            os.replace(path, out / path.name)
    finally:
        shutil.rmtree(draft)
        if new and not any(out.iterdir()):
            out.rmdir()
