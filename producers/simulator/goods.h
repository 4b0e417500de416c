/* goods.h - what the simulated company sells: a fixed range of products with list prices.
 */
#ifndef O2C_SIMULATOR_GOODS_H
#define O2C_SIMULATOR_GOODS_H

#include <stddef.h>
#include <stdint.h>

enum {
    O2C_SIM_PRODUCT_COUNT = 120,
    O2C_SIM_SKU_TEXT = 24,
    O2C_SIM_DESCRIPTION_TEXT = 48
};

enum o2c_sim_currency {
    O2C_SIM_EUR,
    O2C_SIM_USD,
    O2C_SIM_GBP,
    O2C_SIM_JPY
};

struct o2c_sim_product {
    char sku[O2C_SIM_SKU_TEXT];
    char description[O2C_SIM_DESCRIPTION_TEXT];
    size_t sku_len, description_len;
    const char *unit;   /* UN/ECE Recommendation 20: C62 piece, MTR metre, KGM kilogram */
    int64_t step_milli; /* the smallest quantity that is sold */
    int64_t price_micro[4]; /* list price by currency */
};

/* `product` from 0 to O2C_SIM_PRODUCT_COUNT - 1; the range is made at the first call. */
const struct o2c_sim_product *o2c_sim_product(int32_t product);

const char *o2c_sim_currency_code(enum o2c_sim_currency currency);

/* A price to what the currency can show in a price list: four decimals, whole yen. */
int64_t o2c_sim_price_round(int64_t price_micro, enum o2c_sim_currency currency);

#endif
