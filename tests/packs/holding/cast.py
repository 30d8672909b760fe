"""Who plays, and what they hold, in the tests of the holding contract."""

MIA, ANN, BOB = "mia@mint", "ann@north", "bob@south"
BEN, KIM, JOY = "ben@bank-a", "kim@bank-b", "joy@court"
EURO = {
    "code": "euro", "issuer": "mint", "unit": "EUR", "decimals": 2,
    "divisible": True, "backed": False, "authority": "court",
}  # fmt: skip
TITLE = {**EURO, "code": "title", "unit": "title", "decimals": 0, "divisible": False,
         "backed": True}  # fmt: skip
GRAIN = {**EURO, "code": "grain", "unit": "kg", "decimals": 0, "backed": True}
DEED, STORE = "d" * 64, "e" * 64
