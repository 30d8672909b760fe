"""Writes docs/protocol/contract-interface.schema.json from src/lianheng/contract/interface.py.

python -m tools.interface_schema
"""

import json
import sys

from tools.setup import ROOT

from lianheng.contract.interface import InterfaceDocument

SCHEMA = ROOT / "docs" / "protocol" / "contract-interface.schema.json"


def main() -> int:
    """Puts the schema of the present types where other programs find it."""
    SCHEMA.write_text(schema(), encoding="utf-8")
    return 0


def schema() -> str:
    """JSON Schema, draft 2020-12, of what `lianheng contract interface` prints."""
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **InterfaceDocument.model_json_schema(mode="serialization"),
    }
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
