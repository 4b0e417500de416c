/* generated.h - the tables that the generator writes; used within schemas/wire only. */
#ifndef O2C_SCHEMAS_WIRE_GENERATED_H
#define O2C_SCHEMAS_WIRE_GENERATED_H

#include "schemas/events.h"
#include "schemas/wire/avro.h"

/* How bytes with a schema id become the struct of their type. */
struct o2c_reader_row {
    enum o2c_event_type type;
    size_t body_bytes;
    void (*read)(struct o2c_avro_reader *in, void *body);
};

/* Index: the schema id; 0 is none. */
extern const struct o2c_reader_row o2c_reader_rows[];
extern const size_t o2c_reader_row_count;

/* Index: enum o2c_event_type; 0 is none. */
typedef void o2c_write_fn(struct o2c_avro_writer *to, const void *body);
extern o2c_write_fn *const o2c_writers[];
extern const struct o2c_event_type_row o2c_event_type_rows[];

extern const struct o2c_topic o2c_topic_rows[];
extern const size_t o2c_topic_row_count;

#endif
