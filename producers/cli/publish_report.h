/*
 * publish_report.h - what o2c publish tells the person in front of it, all on
 * standard error: faults as they are found, a progress bar on a terminal only,
 * and a closing table.
 */
#ifndef O2C_CLI_PUBLISH_REPORT_H
#define O2C_CLI_PUBLISH_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct o2c_event_type_row;

enum {
    REPORT_MAX_TYPES = 256
};

struct publish_report {
    bool terminal;
    const char *doing;    /* "checking", "publishing" */
    uint64_t done, total; /* bytes or events; total 0: unknown */
    uint64_t good[REPORT_MAX_TYPES], refused[REPORT_MAX_TYPES]; /* [0]: of unknown type */
    uint64_t good_count, refused_count;
    int64_t begun_us, shown_us;
    bool shown; /* a bar stands on the terminal */
};

void publish_report_init(struct publish_report *report);
void publish_report_fault(struct publish_report *report, const char *sentence);
void publish_report_good(struct publish_report *report,
                         const struct o2c_event_type_row *type);
void publish_report_refused(struct publish_report *report,
                            const struct o2c_event_type_row *type);

/* Draws the bar, at most five times a second. */
void publish_report_tick(struct publish_report *report);

/* A sentence of its own, after taking the bar away. */
void publish_report_say(struct publish_report *report, const char *sentence);

/* The closing table; `good` heads its first column: "published", "valid". */
void publish_report_close(struct publish_report *report, const char *good);

/* 1234567 as "1,234,567"; the text is good until the next but three calls. */
const char *publish_report_number(uint64_t number);

#endif
