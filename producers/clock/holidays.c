#include "producers/clock/holidays.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/str.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

static void add(struct o2c_holidays *holidays, int32_t date)
{
    holidays->dates =
        realloc(holidays->dates, (holidays->count + 1) * sizeof *holidays->dates);
    if (!holidays->dates)
        abort();
    holidays->dates[holidays->count++] = date;
}

/* Without its comment and the blanks around. */
static char *trimmed(char *line)
{
    size_t len;

    line[strcspn(line, "#\r\n")] = '\0';
    line += strspn(line, " \t");
    len = strlen(line);
    while (len && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        line[--len] = '\0';
    return line;
}

static enum o2c_verdict read_lines(struct o2c_holidays *holidays, const char *path,
                                   FILE *file, struct o2c_err *err)
{
    enum o2c_verdict verdict = O2C_OK;
    char *text = NULL;
    size_t room = 0;

    for (int line = 1; !verdict && getline(&text, &room, file) >= 0; line++) {
        const char *day = trimmed(text);
        int32_t date;

        if (!*day)
            continue;
        if (o2c_date_parse(o2c_str_from(day), &date))
            add(holidays, date);
        else
            verdict =
                o2c_fail(err, O2C_FATAL, "%s:%d: \"%s\" is not a date like 2026-01-31",
                         path, line, day);
    }
    if (!verdict && !feof(file))
        verdict = o2c_fail(err, O2C_FATAL, "%s: %s", path, strerror(errno));
    free(text);
    return verdict;
}

enum o2c_verdict o2c_holidays_read(struct o2c_holidays *holidays, const char *path,
                                   struct o2c_err *err)
{
    enum o2c_verdict verdict;
    FILE *file;

    *holidays = (struct o2c_holidays){NULL, 0};
    if (!*path)
        return O2C_OK;
    file = fopen(path, "r");
    if (!file)
        return o2c_fail(err, O2C_FATAL, "%s: %s", path, strerror(errno));
    verdict = read_lines(holidays, path, file, err);
    (void)fclose(file);
    return verdict;
}

void o2c_holidays_clear(struct o2c_holidays *holidays)
{
    free(holidays->dates);
    *holidays = (struct o2c_holidays){NULL, 0};
}

bool o2c_is_business_day(const struct o2c_holidays *holidays, int32_t date)
{
    for (size_t i = 0; i < holidays->count; i++)
        if (holidays->dates[i] == date)
            return false;
    return true;
}
