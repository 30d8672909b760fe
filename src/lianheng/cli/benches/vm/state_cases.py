"""State and the helpers of `lianheng.contract`: rows, indexes, cells, decimals, dates, hashes."""

from dataclasses import replace

from lianheng.cli.benches.vm.case import Case, group, sizes

ROW = "r = Row(5, 'group-1', 1); w = r.replace(amount=2); n = Row(999_999, 'group-1', 1)"
# Rows that `fill` wrote: 2,000 of each table, ids from 0, a hundred groups.
TABLES = [
    *group(
        ROW,
        {
            "row read": "x = self.rows[5]",
            "row read with get": "x = self.rows.get(5)",
            "row missing": "x = self.rows.get(-1)",
            "row in": "x = 5 in self.rows",
            "row not in": "x = -1 not in self.rows",
            "row write": "self.rows[5] = w",
            "row delete and write": "del self.rows[5]; self.rows[5] = r",
            "row table.delete": "self.rows.delete(5); self.rows[5] = r",
            "indexed row write": "self.indexed[5] = w",
            "indexed row moves": "self.indexed[5] = r.replace(group='other')"
            "; self.indexed[5] = r.replace(group='group-1')",
            "unique row moves": "self.unique[5] = r.replace(group='other')"
            "; self.unique[5] = r.replace(group='more')",
            "unique row write": "self.unique[5] = w.replace(group='same')",
            "composite key": "x = self.pairs['a', 5]",
            "composite write": "self.pairs['a', 5] = Pair('a', 5)",
            "signed row write": "self.signed[5] = Signed(5, 'alice@north', 1)",
            "observed row write": "self.watched[5] = Watched(5, ['north'], 1)",
            "observed row delete and write": "del self.watched[5]"
            "; self.watched[5] = Watched(5, ['north'], 2)",
            "row write with many observers": "self.watched[5] = Watched(5, ['north'] * 1000, 1)",
            "table as value": "x = self.rows is None",
            "cell.get": "x = self.total.get()",
            "cell.set": "self.total.set(5)",
            "counter.next": "x = self.numbers.next()",
            "counter.add": "x = self.numbers.add(3)",
            "counter.get": "x = self.numbers.get()",
            "large cell.set": "self.large_cell.set(list(range(1000)))",
        },
    ),
    Case(
        "row write new",
        "i += 1; self.rows[i] = n.replace(id=i)",
        "i = 1_000_000; n = Row(5, 'group-1', 1)",
    ),
    Case(
        "indexed row write new",
        "i += 1; self.indexed[i] = n.replace(id=i)",
        "i = 1_000_000; n = Row(5, 'group-1', 1)",
    ),
    Case(
        "unique row write new",
        "i += 1; self.unique[i] = n.replace(id=i)",
        "i = 1_000_000; n = Row(5, 'group-1', 1)",
    ),
    Case("emit", "self.emit(Told(1, 'text'))", most_times=200),
    Case("scan", "x = self.rows.scan(limit=10)"),
    Case("scan nothing", "x = self.rows.scan(limit=10, start=-5, end=-1)"),
    Case("scan from a start", "x = self.rows.scan(limit=10, start=1_500)"),
    Case("scan back", "x = self.rows.scan(limit=10, reverse=True)"),
    Case("scan of one", "x = self.rows.scan(limit=1)"),
    Case("scan of 1,000", "x = self.rows.scan(limit=1_000)"),
    Case("by", "x = self.indexed.by('group', 'group-3', limit=10)"),
    Case("by nothing", "x = self.indexed.by('group', 'none', limit=10)"),
    Case("by unique", "x = self.unique.by('group', 'group-3', limit=10)"),
    Case("by of 1,000", "x = self.indexed.by('shared', True, limit=1_000)"),
]
LARGE_ROWS = sizes(
    "r = Large(7, 'x' * SIZE, list(range(SIZE // 10)), {str(v): v for v in range(SIZE // 50)});"
    " self.large[7] = r; w = self.large[7]; q = Large(8, 'x' * SIZE, [], {})",
    {
        "large row read": "x = self.large[7]",
        "large row write": "self.large[7] = r",
        "large row in": "x = 7 in self.large",
        "large row delete": "self.large[8] = q; del self.large[8]",
        "large row scan": "x = self.large.scan(limit=1)",
        "large record": "x = Large(7, r.text, r.numbers, r.names)",
        "large record ==": "x = r == w",
        "commit of a large row": "x = commit(w, b'0123456789abcdef')",
    },
    1_000,
    20_000,
)
LARGE_EVENT = Case(
    "large event",
    "self.emit(LargeTold(t, n))",
    "t = 'x' * 20_000; n = list(range(2_000))",
    most_times=200,
)
LONG_KEYS = sizes(
    "k = 'k' * SIZE; self.named[k] = Named(k, 1); r = Named(k, 2)",
    {
        "long key read": "x = self.named[k]",
        "long key write": "self.named[k] = r",
        "long key in": "x = k in self.named",
    },
    500,
)
DECIMALS = [
    *group(
        "a = Amount('1234.56'); b = Amount('-7.25'); r = Rate('0.0525'); t = '1234.56'",
        {
            "Decimal type": "x = Decimal(2)",
            "Decimal": "x = Amount(t)",
            "Decimal.from_units": "x = Amount.from_units(5)",
            "Decimal units": "x = a.units",
            "Decimal scale": "x = a.scale",
            "Decimal +": "x = a + b",
            "Decimal -": "x = a - b",
            "Decimal * int": "x = a * 3",
            "Decimal unary -": "x = -a",
            "Decimal abs": "x = abs(b)",
            "Decimal ==": "x = a == b",
            "Decimal <": "x = a < b",
            "Decimal rescale": "x = a.rescale(4, 'half_even')",
            "Decimal rescale down": "x = r.rescale(2, 'half_even')",
            "Decimal str": "x = str(a)",
            "Decimal format": "x = f'{a:>12}'",
            "Decimal truth": "x = not a",
            "Decimal as key": "x = {a: 1}",
            "sum of Decimals": "x = sum([a, b, a], Amount('0'))",
            "mul_div": "x = mul_div(a, 525, 10_000, 'half_even')",
            "mul_div of int": "x = mul_div(123456, 525, 10_000, 'half_up')",
            "allocate": "x = allocate(a, [1, 2, 3])",
        },
    ),
    *sizes(
        "u = 3 ** SIZE; a = Amount.from_units(u); v = 7 ** (SIZE // 3); t = str(a)",
        {
            "large Decimal": "x = Amount(t)",
            "large Decimal +": "x = a + a",
            "large Decimal ==": "x = a == -a",
            "large Decimal rescale": "x = a.rescale(0, 'half_even')",
            "large Decimal str": "x = str(a)",
            "large mul_div": "x = mul_div(u, v, v + 2, 'half_even')",
            "large allocate": "x = allocate(u, [v, v + 1, v + 2])",
        },
        2_400,
    ),
    Case("allocate to 1,000", "x = allocate(123456789, w)", "w = list(range(1, 1001))"),
    Case(
        "large allocate to 100",
        "x = allocate(u, w)",
        "u = 3 ** 2400; w = [7 ** 800 + v for v in range(100)]",
    ),
]
HELPERS = group(
    "m = 1_700_000_000_000; d = 19_675; t = 'text' * 4; b = b'bytes' * 4; k = b'k' * 32;"
    " g = b's' * 64; s = b'0123456789abcdef'; c = commit(t, s)",
    {
        "date": "x = date(m)",
        "start_of_day": "x = start_of_day(d)",
        "date_of": "x = date_of(2024, 2, 29)",
        "date_parts": "x = date_parts(d)",
        "datetime_of": "x = datetime_of(2024, 2, 29, 12, 30, 15, 250)",
        "datetime_parts": "x = datetime_parts(m)",
        "days_between": "x = days_between(d, d + 40)",
        "add_months": "x = add_months(d, 14)",
        "end_of_month": "x = end_of_month(d)",
        "iso_weekday": "x = iso_weekday(d)",
        "quarter": "x = quarter(d)",
        "is_leap_year": "x = is_leap_year(2024)",
        "format_date": "x = format_date(d)",
        "parse_date": "x = parse_date('2024-02-29')",
        "format_datetime": "x = format_datetime(m)",
        "parse_datetime": "x = parse_datetime('2024-02-29T12:30:15.250Z')",
        "sha256": "x = sha256(b)",
        "sm3": "x = sm3(b)",
        "commit": "x = commit(t, s)",
        "opens": "x = opens(c, t, s)",
        "is_signed": "x = is_signed(b, SIGNATURE, KEY)",
        "is_signed by no key": "x = is_signed(b, g, k)",
        "signed_by": "x = signed_by('alice@north', b, SIGNATURE)",
        "signed_by nobody": "x = signed_by('nobody@north', b, SIGNATURE)",
        "is_valid_container": "x = is_valid_container('CSQU3054383')",
        "is_valid_gln": "x = is_valid_gln('4006381333931')",
        "is_valid_gtin": "x = is_valid_gtin('4006381333931')",
        "is_valid_iban": "x = is_valid_iban('DE89370400440532013000')",
        "is_valid_isin": "x = is_valid_isin('US0378331005')",
        "is_valid_lei": "x = is_valid_lei('5493001KJTIIGC8Y1R12')",
        "is_valid_sscc": "x = is_valid_sscc('340123450000000018')",
        "is_valid_uscc": "x = is_valid_uscc('91350100M000100Y43')",
        "is_valid_iban of a long text": "x = is_valid_iban(t * 1000)",
    },
)
LONG_HELPERS = group(
    "b = b'x' * 100_000; s = b'0123456789abcdef'; n = list(range(1_000));"
    " r = [Point(v, 1) for v in n]",
    {
        "long sha256": "x = sha256(b)",
        "long sm3": "x = sm3(b)",
        "long commit": "x = commit(b, s)",
        "long commit of list": "x = commit(n, s)",
        "long commit of records": "x = commit(r, s)",
        "long is_signed": "x = is_signed(b, SIGNATURE, KEY)",
        "long signed_by": "x = signed_by('alice@north', b, SIGNATURE)",
        "long signed_by nobody": "x = signed_by('nobody@north', b, SIGNATURE)",
    },
)
# A call may write 8 MB.
FEW_TIMES = [replace(case, most_times=50) for case in LARGE_ROWS]
CASES = [*TABLES, *FEW_TIMES, LARGE_EVENT, *LONG_KEYS, *DECIMALS, *HELPERS, *LONG_HELPERS]
