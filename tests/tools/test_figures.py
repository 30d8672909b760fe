"""docs/figures.md is written from whatever `lianheng bench all --json` prints."""

import json
from pathlib import Path

import pytest
from tools import figures

MACHINE = {
    "cores": 2,
    "processor": "a processor",
    "memory_bytes": 8_000_000_000,
    "system": "Linux 6.1-x",
    "python": "3.11.7",
    "sync_ms": {"p50": 0.25},
}


def bench(name: str, **found: object) -> dict[str, object]:
    return {
        "bench": name,
        "machine": MACHINE,
        "workload": {"validators": 4, "signed": "x"},
        **found,
    }


def test_every_bench_has_a_line_with_its_figures() -> None:
    benches = [
        bench("vm", executed={"transfers_a_second": 123_456, "reached": True}),
        bench("network", at_70={"rate": 5_000, "submit_to_final_ms": {"p50": 400.25}}),
        bench("envelopes", percent_of_kvstore=84.9),
    ]
    lines = [line for line in figures.page(benches).splitlines() if line.startswith("| `")]
    assert lines == [
        "| `vm` | validators 4 | executed transfers_a_second 123,456, reached True |",
        "| `network` | validators 4 | at 70 rate 5,000, submit_to_final_ms p50 400.2 |",
        "| `envelopes` | validators 4 | percent of kvstore 84.9 |",
    ]


def test_a_file_without_benches_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    file.write_text(json.dumps({}), encoding="utf-8")
    assert figures.main(str(file)) == 2
    assert "holds no benches" in capsys.readouterr().out
