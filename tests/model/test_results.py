import pytest

from lianheng.model import (
    CallDropped,
    CallRefused,
    Height,
    InvalidValue,
    Result,
    Status,
    TransactionId,
    encode,
)

ID = TransactionId(bytes(32))


def read(fields: object) -> Result:
    return Result.from_bytes(encode(fields), id=ID, height=Height(7))


def test_a_final_result_has_value_and_events() -> None:
    result = read({1: 0, 2: 1204, 3: {"id": "x"}, 4: [["toolshed", 3, "Lent", {"to": "b"}]]})
    assert result.final
    assert result.checked() is result
    assert (result.gas, result.value, result.height) == (1204, {"id": "x"}, 7)
    (event,) = result.events
    assert (event.contract, event.number, event.name, event.data) == (
        "toolshed",
        3,
        "Lent",
        {"to": "b"},
    )


def test_a_refused_result_raises_with_code_reason_and_place() -> None:
    error = {
        1: "contract.rejected",
        2: "south holds crane-7",
        3: "not_holder",
        4: "toolshed.py",
        5: 20,
        7: "ask south",
    }
    result = read({1: 1, 2: 9, 5: error})
    assert result.status is Status.REFUSED
    assert result.error is not None
    assert result.error.place == "toolshed.py:20"
    with pytest.raises(CallRefused) as caught:
        result.checked()
    assert caught.value.reason == "not_holder"
    assert caught.value.details["line"] == 20
    assert "ask south" in str(caught.value)


def test_a_dropped_result_raises_another_error() -> None:
    result = Result.dropped(None, "dropped.expired", "too late", "sign again")
    with pytest.raises(CallDropped, match=r"dropped\.expired: too late"):
        result.checked()
    assert result.to_json() == {
        "status": "dropped",
        "events": [],
        "gas": 0,
        "error": {"code": "dropped.expired", "message": "too late", "hint": "sign again"},
    }


@pytest.mark.parametrize(
    "fields",
    [{}, [], {1: 2, 2: 0}, {1: 1, 2: 0}, {1: 0}, {1: 0, 2: 1, 4: [[]]}, {1: 0, 2: 1, 6: b"x"}],
)
def test_other_maps_are_no_results(fields: object) -> None:
    with pytest.raises(InvalidValue):
        read(fields)
