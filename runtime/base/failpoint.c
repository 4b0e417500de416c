#include "runtime/base/failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/banned.h"

enum {
    POINTS_MAX = 64,
    NAME_MAX_BYTES = 64
};

static struct {
    char name[NAME_MAX_BYTES];
    long hits;
} points[POINTS_MAX];

/* A test that names what does not exist must not pass: say so and die. */
static void refuse(const char *what, const char *spec)
{
    fprintf(stderr, "failpoint: %s: %s\n", what, spec);
    abort();
}

static long count_hit(const char *name)
{
    for (int i = 0; i < POINTS_MAX; i++) {
        if (points[i].hits == 0)
            snprintf(points[i].name, sizeof points[i].name, "%s", name);
        if (strcmp(points[i].name, name) == 0)
            return ++points[i].hits;
    }
    refuse("too many names", name);
    return 0;
}

/* One write per line, so that lines of several processes do not mix. */
static void note(const char *name, long hits)
{
    const char *path = getenv("O2C_FAILPOINT_LOG");
    if (!path || !*path)
        return;
    char line[NAME_MAX_BYTES + 64];
    int len = snprintf(line, sizeof line, "%s %ld %ld\n", name, hits, (long)getpid());
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, line, (size_t)len) != len)
        refuse(strerror(errno), path);
    close(fd);
}

static void act(const char *action, size_t len, const char *spec)
{
    if (len == 4 && memcmp(action, "kill", len) == 0)
        raise(SIGKILL);
    else if (len == 4 && memcmp(action, "stop", len) == 0)
        raise(SIGSTOP);
    else if (len == 5 && memcmp(action, "abort", len) == 0)
        abort();
    else if (len == 4 && memcmp(action, "exit", len) == 0)
        _exit(1);
    else
        refuse("unknown action", spec);
}

/* One "name=action@N" of the variable. */
static void match(const char *spec, size_t len, const char *name, long hits)
{
    size_t name_len = strlen(name);
    const char *equals = memchr(spec, '=', len);
    if (!equals)
        refuse("no action", spec);
    if ((size_t)(equals - spec) != name_len || memcmp(spec, name, name_len) != 0)
        return;
    const char *action = equals + 1;
    size_t action_len = len - name_len - 1;
    const char *at = memchr(action, '@', action_len);
    long wanted = at ? strtol(at + 1, NULL, 10) : 1;
    if (wanted < 1)
        refuse("bad count", spec);
    if (hits == wanted)
        act(action, at ? (size_t)(at - action) : action_len, spec);
}

void o2c_failpoint_hit(const char *name)
{
    long hits = count_hit(name);
    note(name, hits);
    const char *spec = getenv("O2C_FAILPOINTS");
    while (spec && *spec) {
        size_t len = strcspn(spec, ";");
        match(spec, len, name, hits);
        spec += len + (spec[len] == ';');
    }
}
