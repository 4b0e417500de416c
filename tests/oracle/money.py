"""Amounts: minor units of a currency, rounded half up once per line."""

# ISO 4217: currencies whose minor unit is not a hundredth.
EXPONENT = {
    "BHD": 3, "BIF": 0, "CLF": 4, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3,
    "JPY": 0, "KMF": 0, "KRW": 0, "KWD": 3, "LYD": 3, "OMR": 3, "PYG": 0, "RWF": 0, "TND": 3,
    "UGX": 0, "UYI": 0, "UYW": 4, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}


def exponent_of(currency):
    return EXPONENT.get(currency, 2)


def divide_half_up(dividend, divisor):
    """dividend / divisor to the nearest whole number, halves away from zero."""
    whole = (2 * abs(dividend) + divisor) // (2 * divisor)
    return whole if dividend >= 0 else -whole


def line_net_minor(quantity_milli, unit_price_micro, currency):
    return divide_half_up(quantity_milli * unit_price_micro, 10 ** (9 - exponent_of(currency)))
