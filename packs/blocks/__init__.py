"""Building blocks: contracts that packs reuse, or deploy as they are.

This package only says where the contracts lie; they import nothing but `lianheng.contract`.
"""

from pathlib import Path

HOLDING = Path(__file__).with_name("holding.py")
"""Source of the holding contract: counted claims of any kind."""

CASE = Path(__file__).with_name("case.py")
"""Source of the case contract: procedures of several parties."""

MONEY = Path(__file__).with_name("money.py")
"""Source of amounts with their currency, for contracts to import."""

__all__ = ["CASE", "HOLDING", "MONEY"]
