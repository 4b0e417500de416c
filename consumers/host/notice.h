/*
 * notice.h - how the records on o2c.parked.<consumer> say what they say: in
 * headers, as their value is the bytes that could not be applied, or none.
 * parking.c writes them; record.c reads those of other consumers.
 */
#ifndef O2C_HOST_NOTICE_H
#define O2C_HOST_NOTICE_H

#include <librdkafka/rdkafka.h>

#include "consumers/host/consumer.h"

#define NOTICE_TYPE "o2c.parked"      /* ce_type: there is no schema */
#define NOTICE_STATE "o2c_parked"     /* header: parked, released, discarded */
#define NOTICE_LEFT "o2c_parked_left" /* header: what of the account is parked then */

/* PARK: a header is missing or makes no sense; err names it. */
enum o2c_verdict notice_read(const rd_kafka_headers_t *headers,
                             struct o2c_parked_notice *ret_notice,
                             struct o2c_err *err) O2C_MUST_CHECK;

#endif
