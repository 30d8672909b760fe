import pytest

from lianheng import _native, model
from lianheng.model import errors


def test_the_tree_drawn_at_the_top_is_the_tree() -> None:
    drawn = errors.__doc__ or ""
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.LianhengError):
            assert f" {name} " in drawn or f"{name}\n" in drawn, name
            assert name in model.__all__


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("store.locked", errors.Held),
        ("log.corrupt", errors.Damaged),
        ("store.disk_full", errors.LedgerError),
        ("clock.jumped", errors.ClockError),
        ("cbor.truncated", errors.InvalidValue),
        ("identity.locked", errors.IdentityError),
        ("contract.rejected", errors.CallRefused),
        ("dropped.expired", errors.CallDropped),
        ("ledger.closed", errors.Stopped),
        ("node.not_running", errors.NodeError),
        ("id.not_found", errors.NotFound),
        ("id.ambiguous", errors.Ambiguous),
        ("thing.unknown", errors.NotFound),
        ("never.heard", errors.LedgerError),
    ],
)
def test_each_code_has_its_place_in_the_tree(code: str, kind: type[Exception]) -> None:
    assert type(errors.error_for(code, "m")) is kind


def test_an_error_of_the_core_keeps_code_field_and_hint() -> None:
    with pytest.raises(errors.InvalidValue) as caught, errors.native_errors():
        _native.Engine.create(None, model.encode({"format": "lianheng.genesis.1"}))
    assert caught.value.code.startswith("genesis.")
    assert caught.value.message
    assert set(caught.value.details) <= {"field"}
    with pytest.raises(errors.InvalidValue) as caught, errors.native_errors():
        _native.cbor_decode(b"\xff")
    assert caught.value.code.startswith("cbor.")
