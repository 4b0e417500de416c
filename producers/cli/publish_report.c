#include "producers/cli/publish_report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

enum {
    BAR_WIDTH = 24,
    REDRAW_US = 200000,
};

void publish_report_init(struct publish_report *report)
{
    *report = (struct publish_report){.begun_us = o2c_clock_monotonic_us()};
    report->terminal = isatty(STDERR_FILENO);
    report->doing = "publishing";
}

const char *publish_report_number(uint64_t number)
{
    static char texts[4][32];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    int to = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            text[to++] = ',';
        text[to++] = digits[i];
    }
    text[to] = '\0';
    return text;
}

static void take_bar_away(struct publish_report *report)
{
    if (report->shown)
        fputs("\r\033[K", stderr);
    report->shown = false;
}

void publish_report_fault(struct publish_report *report, const char *sentence)
{
    take_bar_away(report);
    fprintf(stderr, "%s\n", sentence);
}

void publish_report_say(struct publish_report *report, const char *sentence)
{
    take_bar_away(report);
    fprintf(stderr, "o2c publish: %s\n", sentence);
}

static size_t slot(const struct o2c_event_type_row *type)
{
    return type && (size_t)type->type < REPORT_MAX_TYPES ? (size_t)type->type : 0;
}

void publish_report_good(struct publish_report *report,
                         const struct o2c_event_type_row *type)
{
    report->good[slot(type)]++;
    report->good_count++;
}

void publish_report_refused(struct publish_report *report,
                            const struct o2c_event_type_row *type)
{
    report->refused[slot(type)]++;
    report->refused_count++;
}

static double seconds_since(int64_t begun_us, int64_t now_us)
{
    int64_t us = now_us - begun_us;
    return us > 0 ? (double)us / 1e6 : 1e-6;
}

void publish_report_tick(struct publish_report *report)
{
    if (!report->terminal)
        return;
    int64_t now_us = o2c_clock_monotonic_us();
    if (now_us - report->shown_us < REDRAW_US)
        return;
    report->shown_us = now_us;
    report->shown = true;
    fprintf(stderr, "\r%s ", report->doing);
    if (report->total) {
        uint64_t done = report->done < report->total ? report->done : report->total;
        int filled = (int)(done * BAR_WIDTH / report->total);
        fprintf(stderr, "[%.*s%.*s] %3d %% ", filled, "########################",
                BAR_WIDTH - filled, "........................",
                (int)(done * 100 / report->total));
    }
    fprintf(stderr, "%s events, %s/s\033[K", publish_report_number(report->good_count),
            publish_report_number((uint64_t)((double)report->good_count /
                                             seconds_since(report->begun_us, now_us))));
    fflush(stderr);
}

static void print_row(const char *name, uint64_t good, uint64_t refused)
{
    fprintf(stderr, "%-28s %12s %10s\n", name, publish_report_number(good),
            publish_report_number(refused));
}

void publish_report_close(struct publish_report *report, const char *good)
{
    double seconds = seconds_since(report->begun_us, o2c_clock_monotonic_us());
    take_bar_away(report);
    fprintf(stderr, "%-28s %12s %10s\n", "", good, "refused");
    for (size_t i = 1; i < REPORT_MAX_TYPES; i++)
        if (report->good[i] || report->refused[i])
            print_row(o2c_event_type_row((enum o2c_event_type)i)->name, report->good[i],
                      report->refused[i]);
    if (report->refused[0])
        print_row("(type unknown)", 0, report->refused[0]);
    print_row("total", report->good_count, report->refused_count);
    fprintf(stderr, "%.1f s, %s records/s\n", seconds,
            publish_report_number((uint64_t)((double)report->good_count / seconds)));
}
