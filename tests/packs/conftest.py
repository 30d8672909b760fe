"""What the tests of the packs share."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trade_finance import CONTRACT

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
MEMBERS = {
    "sam@maker": ("supplier",),
    "sue@rival": ("supplier",),
    "tom@foundry": ("supplier",),
    "bea@hospital": ("buyer",),
    "ben@grid": ("buyer",),
    "ann@bank-a": ("bank",),
    "bob@bank-b": ("bank",),
}


def load_twin() -> ModuleType:
    """Load twin.py, which lies in no package."""
    if "packs_twin" not in sys.modules:
        spec = importlib.util.spec_from_file_location("packs_twin", HERE / "twin.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["packs_twin"] = module
        spec.loader.exec_module(module)
    return sys.modules["packs_twin"]


@pytest.fixture(scope="session")
def twin() -> ModuleType:
    return load_twin()


@pytest.fixture(params=["cpython", "vm"])
def books(request: pytest.FixtureRequest) -> Any:
    """The ledger with its members, on each engine that there is."""
    if request.param == "cpython":
        ledger = load_twin().TwinLedger()
    else:
        pytest.importorskip(
            "lianheng._native", reason="the core is not built", exc_type=ImportError
        )
        ledger = request.getfixturevalue("ledger")
    for member, roles in MEMBERS.items():
        ledger.member(member, roles=roles)
    return ledger


@pytest.fixture
def receivables(books: Any) -> Any:
    """The receivables contract, deployed."""
    return books.deploy(str(CONTRACT))


@pytest.fixture(scope="session")
def real_invoices() -> Path:
    """The folder of real invoices; skips where it is absent."""
    data = Path(os.environ.get("LIANHENG_DATA") or REPOSITORY.parent / "shared" / "data")
    folder = data / "invoices-xrechnung"
    if not folder.is_dir():
        pytest.skip(f"no real invoices at {folder}: set LIANHENG_DATA")
    return folder
