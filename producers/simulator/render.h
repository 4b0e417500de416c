/* render.h - the simulator's events as lines of NDJSON, in the publishing form. */
#ifndef O2C_SIMULATOR_RENDER_H
#define O2C_SIMULATOR_RENDER_H

#include <stdint.h>

struct o2c_buf;
struct o2c_sim_customer;
struct o2c_sim_plan;
struct o2c_sim_settings;

/* What a line is to the event it tells of. */
enum o2c_sim_variant {
    O2C_SIM_ORIGINAL,
    O2C_SIM_REPEAT,        /* the same bytes again */
    O2C_SIM_SENT_AGAIN,    /* the same content with an event_id of its own */
    O2C_SIM_CONTRADICTION, /* the same natural key with another content */
};

/*
 * Begins a line: type and the fields every event has.  `subject` makes the
 * event_id: unique among what one run writes.
 */
void o2c_sim_write_head(struct o2c_buf *out, const char *type,
                        const struct o2c_sim_settings *settings, uint64_t subject,
                        int64_t at_us, const char *source,
                        const struct o2c_sim_customer *customer);

/* Writes the line of one step of an order's life. */
void o2c_sim_write_step(struct o2c_buf *out, const struct o2c_sim_settings *settings,
                        const struct o2c_sim_plan *plan, int32_t step,
                        enum o2c_sim_variant variant);

/* Writes the line of a day's tick. */
void o2c_sim_write_tick(struct o2c_buf *out, const struct o2c_sim_settings *settings,
                        int32_t date);

void o2c_sim_add_number(struct o2c_buf *out, int64_t number);

/* A document's number, in quotes: the order's, with letters before and a part behind. */
void o2c_sim_add_document(struct o2c_buf *out, const char *series, int64_t order,
                          int32_t part);

#endif
