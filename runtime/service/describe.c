/* What a program says about itself, from the tables it runs by. */
#include "runtime/service/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/buf.h"
#include "runtime/base/config.h"
#include "runtime/base/metrics.h"
#include "runtime/service/service_private.h"

#include "runtime/base/banned.h"

static void describe_metrics(struct o2c_buf *out, const struct o2c_service_about *about)
{
    size_t count = about->metric_count;
    struct o2c_metric *all = calloc(count + 1, sizeof *all);

    if (!all)
        abort();
    if (count)
        memcpy(all, about->metrics, count * sizeof *all);
    all[count] = o2c_service_build;
    o2c_metrics_describe(out, all, count + 1);
    free(all);
}

bool o2c_service_describe(const struct o2c_service_about *about, int argc, char **argv)
{
    const char *asked = argc > 1 ? argv[1] : "";
    bool settings = !strcmp(asked, "--help-markdown");
    bool metrics = !strcmp(asked, "--metrics-markdown");
    bool help = !strcmp(asked, "--help") || !strcmp(asked, "-h");
    bool events = about->events && !strcmp(asked, "--events");
    struct o2c_buf out;

    if (!settings && !metrics && !help && !events)
        return false;
    o2c_buf_init(&out, 1 << 16);
    if (help)
        o2c_buf_printf(
            &out,
            "usage: %s [--SETTING VALUE ...]\n\nsettings, also as O2C_SETTING in "
            "the environment or in the file named by --config:\n",
            about->program);
    for (const char *const *name = about->events; events && *name; name++)
        o2c_buf_printf(&out, "%s\n", *name);
    if (metrics)
        describe_metrics(&out, about);
    else if (!events)
        o2c_config_describe(&out, about->settings, about->settings_count, settings);
    fputs(o2c_buf_text(&out), stdout);
    o2c_buf_clear(&out);
    return true;
}
