"""Several files or none: they are made beside their place, and moved there when all are whole."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def made_whole(folder: Path, names: Sequence[str], *, mode: int = 0o777) -> Iterator[Path]:
    """A working folder, whose `names` are moved into `folder` at the end, in this order.

    Nothing is left behind where it fails, nor a folder that was not there before.
    """
    made = not folder.exists()
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    working = Path(tempfile.mkdtemp(prefix=".lianheng-", dir=folder))
    moved: list[Path] = []
    try:
        yield working
        for name in names:
            moved.append((working / name).rename(folder / name))  # noqa: PERF401 - kept halfway
    except BaseException:
        for place in moved:
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        shutil.rmtree(working)
        if made:
            with suppress(OSError):
                folder.rmdir()
        raise
    shutil.rmtree(working)
