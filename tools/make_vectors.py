"""Writes tests/vectors: `python tools/make_vectors.py`; with --check it only compares.

The vectors are made by tests/verify/chainmaker, which shares no code with product or verifier.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "vectors"


def texts() -> dict[str, str]:
    """The content of each file of vectors, by name."""
    sys.path.insert(0, str(ROOT))
    from tests.verify.chainmaker.vectors import all_vectors

    return {
        name: json.dumps(content, indent=1, ensure_ascii=True) + "\n"
        for name, content in all_vectors().items()
    }


def main() -> int:
    """Writes or compares; the exit code is 1 where --check finds a difference."""
    check = sys.argv[1:] == ["--check"]
    stale = 0
    for name, text in texts().items():
        path = FOLDER / name
        if path.is_file() and path.read_text() == text:
            continue
        stale += 1
        print(f"{'differs' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text)
    print("all vectors are up to date" if not stale else f"{stale} files")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
