/* sample.h - one order, placed and decoded, for the tests beside it. */
#ifndef O2C_TESTS_UNIT_SCHEMAS_SAMPLE_H
#define O2C_TESTS_UNIT_SCHEMAS_SAMPLE_H

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "schemas/events.h"

struct sample {
    struct o2c_order_line lines[2];
    struct o2c_order_placed order;
    struct o2c_event event; /* around `order` */
    struct o2c_arena arena;
    struct o2c_buf buf;
    struct o2c_err err;
};

/* For cmocka_unit_test_setup_teardown and group fixtures; *state is a struct sample. */
int sample_set_up(void **state);
int sample_tear_down(void **state);

/* A lines[] with sku A (1 piece at 2.50) and B (2 pieces, no price), customer C1, order O1.
 */
void sample_fill(struct sample *sample);

/* The bytes in buf. */
struct o2c_str sample_bytes(const struct sample *sample);

#endif
