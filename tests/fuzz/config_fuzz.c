/*
 * Any bytes as a configuration file, or (after a first byte that is odd) as the
 * words of a command line: refused with a sentence, or settings that are within
 * their ranges and the same when they are read again.
 */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/config.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/target.h"

enum {
    MAX_WORDS = 16
};

struct settings {
    const char *text;
    int64_t number, small;
    bool flag;
};

static const struct o2c_setting list[] = {
    {"text", O2C_SETTING_TEXT, offsetof(struct settings, text), "", 0, 0, NULL, "", false},
    {"a-number", O2C_SETTING_INT, offsetof(struct settings, number), "1", INT64_MIN,
     INT64_MAX, "ms", "", false},
    {"small", O2C_SETTING_INT, offsetof(struct settings, small), "5", -10, 10, NULL, "",
     true},
    {"flag", O2C_SETTING_FLAG, offsetof(struct settings, flag), "no", 0, 0, NULL, "",
     false},
};
static const struct o2c_settings_table table = {list, sizeof list / sizeof list[0]};
static char path[] = "/tmp/o2c-config-fuzz-XXXXXX";

static void remove_file(void)
{
    (void)unlink(path);
}

static void write_file(const uint8_t *at, size_t len)
{
    static int fd = -1;
    if (fd < 0) {
        fd = mkstemp(path);
        must(fd >= 0 && atexit(remove_file) == 0, "a temporary file");
    }
    must(ftruncate(fd, 0) == 0 && pwrite(fd, at, len, 0) == (ssize_t)len, "writing");
}

static struct o2c_config *load(int argc, char **argv, struct settings *settings)
{
    struct o2c_config *config;
    struct o2c_err err = {0};
    int next = -1;
    if (o2c_config_load(&config, &table, 1, settings, argc, argv, &next, &err)) {
        must(err.verdict == O2C_FATAL && *err.text, "the refusal");
        must(next == -1, "what was refused was touched");
        return NULL;
    }
    must(next > 0 && next <= argc, "where the options end");
    must(settings->small >= -10 && settings->small <= 10, "the range");
    must(settings->text != NULL, "the text");
    return config;
}

static void try_twice(int argc, char **argv)
{
    struct settings first = {0}, second = {0};
    struct o2c_config *config = load(argc, argv, &first), *again;
    if (!config)
        return;
    again = load(argc, argv, &second);
    must(again && !strcmp(first.text, second.text) && first.number == second.number &&
             first.small == second.small && first.flag == second.flag,
         "read otherwise");
    o2c_config_free(config);
    o2c_config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    char program[] = "program", option[] = "--config";
    char *argv[MAX_WORDS + 1] = {program, option, path};
    int argc = 3;
    if (len > 0 && at[0] & 1) {
        char words[4096];
        size_t end = len - 1 < sizeof words - 1 ? len - 1 : sizeof words - 1;
        memcpy(words, at + 1, end);
        words[end] = '\0';
        argc = 1;
        for (size_t i = 0; i < end && argc < MAX_WORDS; i += strlen(words + i) + 1)
            argv[argc++] = words + i;
        argv[argc] = NULL;
        try_twice(argc, argv);
        return 0;
    }
    write_file(at, len);
    try_twice(argc, argv);
    return 0;
}
