"""Who plays, and by which rules, in the tests of the case contract."""

from typing import Any

REG, ANN, BOB = "rex@registry", "ann@north", "bob@south"
IDA, JIM, KAY, LEO = "ida@board-a", "jim@board-b", "kay@board-c", "leo@appeals"
ROLES = {
    REG: ["registrar"], ANN: ["applicant"], BOB: ["applicant", "inspector"],
    IDA: ["inspector"], JIM: ["inspector"], KAY: ["inspector", "applicant"], LEO: ["judge"],
}  # fmt: skip
DAY = 86_400_000
ASKED, PAPER, OTHER = "a" * 64, "b" * 64, "c" * 64


def move(name: str, act: str, source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "act": act, "source": source, "target": target, **more}


BOARD = ["board-a", "board-b", "board-c"]
PERMIT: dict[str, Any] = {
    "code": "permit", "version": 1, "owner": "registry", "start": "filed", "role": "applicant",
    "final": ["granted", "denied", "withdrawn"],
    "transitions": [
        move("grant", "decide", "filed", "granted", role="inspector", quorum=2),
        move("refuse", "decide", "filed", "refused", role="inspector", quorum=2),
        move("ask", "decide", "filed", "asked", role="inspector"),
        move("answer", "request", "asked", "filed", evidence=1),
        move("withdraw", "withdraw", "filed", "withdrawn"),
        move("appeal", "appeal", "refused", "appealed", evidence=1),
        move("uphold", "escalate", "refused", "denied"),
        move("overrule", "decide", "appealed", "granted", role="judge"),
        move("confirm", "decide", "appealed", "denied", role="judge"),
        move("hurry", "escalate", "filed", "appealed"),
        move("silence", "escalate", "asked", "withdrawn"),
    ],
    "terms": [
        {"state": "filed", "span": 30 * DAY},
        {"state": "asked", "span": 10 * DAY, "lapse": "silence"},
        {"state": "refused", "span": 14 * DAY, "lapse": "uphold"},
    ],
}  # fmt: skip
AUDIT: dict[str, Any] = {
    "code": "audit", "version": 1, "owner": "registry", "start": "begun", "final": ["passed"],
    "transitions": [move("pass", "decide", "begun", "passed", organisations=BOARD, quorum=3)],
}  # fmt: skip


def permit(**changed: Any) -> dict[str, Any]:
    """The permit's procedure, with other content."""
    return {**PERMIT, **changed}
