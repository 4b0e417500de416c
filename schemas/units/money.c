#include "schemas/units/money.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "runtime/base/banned.h"

/* ISO 4217, money only (no metals, funds of account or test codes), by decimals. */
static const char *const codes_by_exponent[] = {
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    "",
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN"
    " BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB"
    " EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES"
    " KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK"
    " MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR"
    " SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD"
    " TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL",
    "BHD IQD JOD KWD LYD OMR TND",
    "CLF UYW",
};

static bool holds(const char *codes, struct o2c_str currency)
{
    for (; *codes; codes += codes[3] ? 4 : 3)
        if (!memcmp(codes, currency.at, 3))
            return true;
    return false;
}

const char *o2c_currency_codes(int exponent)
{
    int count = (int)(sizeof(codes_by_exponent) / sizeof(*codes_by_exponent));
    return exponent >= 0 && exponent < count ? codes_by_exponent[exponent] : NULL;
}

int o2c_currency_exponent(struct o2c_str currency)
{
    if (currency.len != 3)
        return -1;
    for (int i = 0; o2c_currency_codes(i); i++)
        if (holds(codes_by_exponent[i], currency))
            return i;
    return -1;
}

/* 10^-3 quantity times 10^-6 price is 10^-9 major units: 10^(9 - exponent) to the minor
 * unit. */
bool o2c_line_net(int64_t quantity_milli, int64_t unit_price_micro, int exponent,
                  int64_t *ret_minor)
{
    assert(exponent >= 0 && exponent <= 4);
    int64_t divisor = 1;
    for (int i = exponent; i < 9; i++)
        divisor *= 10;
    __extension__ typedef __int128 int128;
    int128 product = (int128)quantity_milli * unit_price_micro;
    int128 half = product < 0 ? -(divisor / 2) : divisor / 2;
    int128 minor = (product + half) / divisor;
    if (minor < INT64_MIN || minor > INT64_MAX)
        return false;
    *ret_minor = (int64_t)minor;
    return true;
}

bool o2c_minor_add(int64_t a, int64_t b, int64_t *ret_sum)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *ret_sum = sum;
    return true;
}

enum o2c_verdict o2c_minor_check(const char *field, int64_t minor, int64_t least,
                                 struct o2c_err *err)
{
    if (minor >= least && minor <= O2C_MINOR_MAX)
        return O2C_OK;
    return o2c_fail(err, O2C_PARK,
                    "%s: %" PRId64 " is not between %" PRId64 " and %" PRId64, field, minor,
                    least, O2C_MINOR_MAX);
}
