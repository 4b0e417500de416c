#include "producers/simulator/goods.h"

#include <stdbool.h>
#include <stdio.h>

#include "runtime/base/banned.h"

enum {
    FAMILY_COUNT = 12,
    SIZE_COUNT = O2C_SIM_PRODUCT_COUNT / FAMILY_COUNT
};

struct family {
    const char *code, *description, *unit;
    int64_t step_milli;
    int64_t price_micro; /* of the smallest size, EUR */
};

/* Screws cost fractions of a cent, so that rounding matters; cable and oil come in parts.
 */
static const struct family families[FAMILY_COUNT] = {
    {"HXB", "Hexagon bolt", "C62", 1000, 37500},
    {"NUT", "Lock nut", "C62", 1000, 18250},
    {"WSH", "Spring washer", "C62", 1000, 4375},
    {"BRG", "Ball bearing", "C62", 1000, 3490000},
    {"VBT", "V-belt", "C62", 1000, 6750000},
    {"CBL", "Control cable", "MTR", 250, 1180000},
    {"HOS", "Hydraulic hose", "MTR", 500, 8900000},
    {"OIL", "Gear oil", "KGM", 250, 4260000},
    {"GRS", "Bearing grease", "KGM", 100, 9330000},
    {"MTR", "Three-phase motor", "C62", 1000, 184000000},
    {"SNS", "Proximity sensor", "C62", 1000, 27950000},
    {"PLC", "Controller module", "C62", 1000, 412500000},
};

/* What one euro of list price is in each currency, in millionths. */
static const int64_t rates_ppm[] = {1000000, 1090000, 860000, 162000000};

static struct o2c_sim_product products[O2C_SIM_PRODUCT_COUNT];
static bool made;

const char *o2c_sim_currency_code(enum o2c_sim_currency currency)
{
    static const char *const codes[] = {"EUR", "USD", "GBP", "JPY"};
    return codes[currency];
}

int64_t o2c_sim_price_round(int64_t price_micro, enum o2c_sim_currency currency)
{
    int64_t unit = currency == O2C_SIM_JPY ? 1000000 : 100;
    int64_t rounded = (price_micro + unit / 2) / unit * unit;
    return rounded > 0 ? rounded : unit;
}

static void make_product(struct o2c_sim_product *product, const struct family *family,
                         int size)
{
    int sku_len =
        snprintf(product->sku, sizeof product->sku, "%s-%03d", family->code, 10 + 5 * size);
    int text_len = snprintf(product->description, sizeof product->description,
                            "%s, size %d", family->description, 10 + 5 * size);
    product->sku_len = (size_t)sku_len;
    product->description_len = (size_t)text_len;
    product->unit = family->unit;
    product->step_milli = family->step_milli;
    for (size_t i = 0; i < sizeof(rates_ppm) / sizeof(rates_ppm[0]); i++)
        product->price_micro[i] = o2c_sim_price_round(
            family->price_micro * (10 + 3 * size) / 10 * rates_ppm[i] / 1000000,
            (enum o2c_sim_currency)i);
}

const struct o2c_sim_product *o2c_sim_product(int32_t product)
{
    for (int i = 0; !made && i < O2C_SIM_PRODUCT_COUNT; i++)
        make_product(&products[i], &families[i % FAMILY_COUNT], i / FAMILY_COUNT);
    made = true;
    return &products[product];
}
