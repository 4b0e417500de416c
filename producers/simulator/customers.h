/*
 * customers.h - who buys: one customer per account, and for some accounts a
 * branch under it.  All of it follows from seed and number.
 */
#ifndef O2C_SIMULATOR_CUSTOMERS_H
#define O2C_SIMULATOR_CUSTOMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producers/simulator/goods.h"

struct o2c_buf;
struct o2c_sim_settings;

enum {
    O2C_SIM_CUSTOMER_ID_TEXT = 16
};

/* What an order has to know of its customer. */
struct o2c_sim_customer {
    int64_t account; /* number of the account, from 0 */
    bool is_branch;
    char id[O2C_SIM_CUSTOMER_ID_TEXT], account_id[O2C_SIM_CUSTOMER_ID_TEXT];
    size_t id_len, account_id_len;
    enum o2c_sim_currency currency;
    int32_t offset_minutes; /* local time less UTC */
    const char *payment_terms;
    int64_t discount_ppm; /* off the list price */
};

bool o2c_sim_has_branch(const struct o2c_sim_settings *settings, int64_t account);

void o2c_sim_customer_of(const struct o2c_sim_settings *settings, int64_t account,
                         bool is_branch, struct o2c_sim_customer *ret_customer);

/* Writes the CustomerRegistered of a customer as a line of NDJSON. */
void o2c_sim_customer_write(const struct o2c_sim_settings *settings, int64_t account,
                            bool is_branch, struct o2c_buf *out);

#endif
