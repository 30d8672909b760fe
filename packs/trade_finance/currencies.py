"""Currencies of ISO 4217 and how many decimals each has; amounts become integers of minor units."""

from decimal import Decimal

from .findings import refuse

_HUNDREDTHS = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK
PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_WITHOUT_MINOR_UNIT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_HUNDREDTHS.split(), 2),
    **dict.fromkeys(_WITHOUT_MINOR_UNIT.split(), 0),
    **dict.fromkeys(_THOUSANDTHS.split(), 3),
}
"""Decimals of each currency that an invoice may use."""


def minor_units(amount: Decimal, currency: str, field: str) -> int:
    """Give `amount` in minor units, exactly; what the currency cannot express is refused."""
    exponent = EXPONENTS[currency]
    scaled = amount.scaleb(exponent)
    if scaled != scaled.to_integral_value():
        raise refuse(
            "CURRENCY-UNIT",
            field,
            f"{amount} {currency}",
            f"at most {exponent} decimals",
            f"round the amount to what {currency} can pay",
        )
    return int(scaled)


def in_words(amount: int, currency: str) -> str:
    """Write minor units for people: `1055530, EUR` is `10,555.30 EUR`."""
    exponent = EXPONENTS[currency]
    return f"{Decimal(amount).scaleb(-exponent):,.{exponent}f} {currency}"
