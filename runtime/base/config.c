#include "runtime/base/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

enum {
    FILE_MAX_BYTES = 1024 * 1024,
    TEXTS_MAX_BYTES = 4 * 1024 * 1024,
    NAME_MAX_BYTES = 64,
    PATH_SHOWN_BYTES = 80
};

/* Where a value comes from, the stronger the greater. */
enum origin {
    FROM_NOWHERE,
    FROM_DEFAULT,
    FROM_FILE,
    FROM_ENVIRONMENT,
    FROM_ARGUMENT
};

struct given {
    const struct o2c_setting *setting;
    const char *text;
    enum origin origin;
    int line; /* of the file, 0: it does not stand there */
};

struct o2c_config {
    struct o2c_arena texts;
    const char *file; /* NULL: none */
    char shown_file[PATH_SHOWN_BYTES + sizeof "..."];
    bool option_only; /* all that is there */
    size_t count;
    struct given given[];
};

extern char **environ;

/* Without where it may come from. */
static enum o2c_setting_kind kind_of(const struct o2c_setting *setting)
{
    switch (setting->kind) {
    case O2C_OPTION_TEXT:
        return O2C_SETTING_TEXT;
    case O2C_OPTION_INT:
        return O2C_SETTING_INT;
    case O2C_OPTION_FLAG:
        return O2C_SETTING_FLAG;
    case O2C_SETTING_TEXT:
    case O2C_SETTING_INT:
    case O2C_SETTING_FLAG:
    case O2C_SETTING_OF_OTHERS:
        break;
    }
    return setting->kind;
}

static bool is_of_others(const struct o2c_setting *setting)
{
    return setting->kind == O2C_SETTING_OF_OTHERS;
}

static bool is_option_only(const struct o2c_setting *setting)
{
    return !is_of_others(setting) && kind_of(setting) != setting->kind;
}

bool o2c_setting_is_flag(const struct o2c_setting *setting)
{
    return kind_of(setting) == O2C_SETTING_FLAG;
}

static size_t count_settings(const struct o2c_settings_table *tables, size_t table_count)
{
    size_t count = 0;
    for (size_t i = 0; i < table_count; i++)
        count += tables[i].setting_count;
    return count;
}

static struct o2c_config *new_config(const struct o2c_settings_table *tables,
                                     size_t table_count)
{
    size_t count = count_settings(tables, table_count);
    struct o2c_config *config = calloc(1, sizeof *config + count * sizeof config->given[0]);
    if (!config)
        return NULL;
    o2c_arena_init(&config->texts, TEXTS_MAX_BYTES);
    config->option_only = true;
    for (size_t i = 0; i < table_count; i++)
        for (size_t k = 0; k < tables[i].setting_count; k++) {
            const struct o2c_setting *setting = &tables[i].settings[k];
            config->option_only = config->option_only && is_option_only(setting);
            config->given[config->count++] =
                (struct given){setting, setting->default_value,
                               setting->default_value ? FROM_DEFAULT : FROM_NOWHERE, 0};
        }
    return config;
}

static struct given *find(struct o2c_config *config, struct o2c_str name)
{
    for (size_t i = 0; i < config->count; i++)
        if (o2c_str_eq(o2c_str_from(config->given[i].setting->name), name))
            return &config->given[i];
    return NULL;
}

static const char *keep(struct o2c_config *config, struct o2c_str text)
{
    char *copy = o2c_arena_alloc(&config->texts, text.len + 1);
    if (copy) {
        memcpy(copy, text.at, text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

/* A message shows the end of a long path alone: it must have room for setting and value. */
static enum o2c_verdict name_file(struct o2c_config *config, struct o2c_str path,
                                  struct o2c_err *err)
{
    size_t cut = path.len > PATH_SHOWN_BYTES ? path.len - PATH_SHOWN_BYTES : 0;
    config->file = keep(config, path);
    if (!config->file)
        return o2c_fail(err, O2C_FATAL, "no memory for the settings");
    snprintf(config->shown_file, sizeof config->shown_file, "%s%s", cut ? "..." : "",
             config->file + cut);
    return O2C_OK;
}

static enum o2c_verdict give(struct o2c_config *config, struct given *given,
                             struct o2c_str value, enum origin origin, int line,
                             struct o2c_err *err)
{
    if (origin < given->origin || is_of_others(given->setting))
        return O2C_OK;
    const char *text = keep(config, value);
    if (!text)
        return o2c_fail(err, O2C_FATAL, "settings take more than %d bytes",
                        TEXTS_MAX_BYTES);
    *given = (struct given){given->setting, text, origin, line};
    return O2C_OK;
}

/* "pg-dsn" as "O2C_PG_DSN" */
static void variable_name(const char *name, char ret_text[NAME_MAX_BYTES])
{
    snprintf(ret_text, NAME_MAX_BYTES, "O2C_%s", name);
    for (char *at = ret_text; *at; at++)
        if (*at == '-')
            *at = '_';
        else if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
}

static bool is_flag_word(const char *word)
{
    static const char *const words[] = {"true", "false", "yes", "no"};
    for (size_t i = 0; word && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

struct arguments {
    int count, next;
    char **words;
};

/* The value of the option whose "=" was not there. */
static struct o2c_str next_value(struct arguments *arguments, const struct given *given)
{
    const char *word =
        arguments->next < arguments->count ? arguments->words[arguments->next] : NULL;
    if (given && o2c_setting_is_flag(given->setting) && !is_flag_word(word))
        return O2C_STR("true");
    if (word)
        arguments->next++;
    return o2c_str_from(word);
}

static enum o2c_verdict read_option(struct o2c_config *config, struct arguments *arguments,
                                    struct o2c_err *err)
{
    const char *word = arguments->words[arguments->next++];
    struct o2c_str name = {word + 2, strcspn(word + 2, "=")};
    bool is_config = !config->option_only && o2c_str_eq(name, O2C_STR("config"));
    struct given *given = find(config, name);
    if (given && is_of_others(given->setting))
        given = NULL;
    if (strncmp(word, "--", 2) != 0 || (!given && !is_config))
        return o2c_fail(err, O2C_FATAL, "unknown option %.*s", (int)strcspn(word, "="),
                        word);
    const char *behind = name.at + name.len;
    struct o2c_str value =
        *behind == '=' ? o2c_str_from(behind + 1) : next_value(arguments, given);
    if (!value.at)
        return o2c_fail(err, O2C_FATAL, "option %s needs a value", word);
    if (given)
        return give(config, given, value, FROM_ARGUMENT, 0, err);
    return name_file(config, value, err);
}

static enum o2c_verdict read_arguments(struct o2c_config *config, int argc, char **argv,
                                       int *ret_next, struct o2c_err *err)
{
    struct arguments arguments = {argc, 1, argv};
    while (arguments.next < argc) {
        const char *word = argv[arguments.next];
        if (word[0] != '-' || word[1] == '\0')
            break;
        if (strcmp(word, "--") == 0) {
            arguments.next++;
            break;
        }
        if (read_option(config, &arguments, err))
            return err->verdict;
    }
    *ret_next = arguments.next;
    return O2C_OK;
}

static enum o2c_verdict refuse_operand(int argc, char **argv, int next, struct o2c_err *err)
{
    return next < argc ? o2c_fail(err, O2C_FATAL, O2C_WORD_TOO_MANY, argv[next]) : O2C_OK;
}

/* Read by others: the build's failpoints, and this file. */
static bool is_no_setting(struct o2c_str name)
{
    return o2c_str_eq(name, O2C_STR("O2C_FAILPOINTS")) ||
           o2c_str_eq(name, O2C_STR("O2C_FAILPOINT_LOG")) ||
           o2c_str_eq(name, O2C_STR("O2C_CONFIG"));
}

static struct given *find_variable(struct o2c_config *config, struct o2c_str name)
{
    char text[NAME_MAX_BYTES];
    for (size_t i = 0; i < config->count; i++) {
        variable_name(config->given[i].setting->name, text);
        if (o2c_str_eq(o2c_str_from(text), name))
            return &config->given[i];
    }
    return NULL;
}

static enum o2c_verdict read_environment(struct o2c_config *config, struct o2c_err *err)
{
    for (char **entry = environ; entry && *entry; entry++) {
        struct o2c_str name = {*entry, strcspn(*entry, "=")};
        if (strncmp(*entry, "O2C_", 4) != 0 || is_no_setting(name))
            continue;
        struct given *given = find_variable(config, name);
        if (!given)
            return o2c_fail(err, O2C_FATAL, "unknown setting %.*s in the environment",
                            O2C_STR_ARG(name));
        if (is_option_only(given->setting))
            return o2c_fail(err, O2C_FATAL, "%.*s: --%s is given on the command line alone",
                            O2C_STR_ARG(name), given->setting->name);
        struct o2c_str value = o2c_str_from(*entry + name.len + (name.at[name.len] == '='));
        if (give(config, given, value, FROM_ENVIRONMENT, 0, err))
            return err->verdict;
    }
    return O2C_OK;
}

static struct o2c_str trim(struct o2c_str text)
{
    while (text.len > 0 && strchr(" \t\r", text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r", text.at[text.len - 1]))
        text.len--;
    return text;
}

static enum o2c_verdict read_line(struct o2c_config *config, struct o2c_str line,
                                  int number, struct o2c_err *err)
{
    if (!o2c_str_is_text(line) || memchr(line.at, '\0', line.len))
        return o2c_fail(err, O2C_FATAL, "%s line %d: not UTF-8 text", config->shown_file,
                        number);
    line = trim(line);
    if (line.len == 0 || line.at[0] == '#')
        return O2C_OK;
    const char *equals = memchr(line.at, '=', line.len);
    if (!equals)
        return o2c_fail(err, O2C_FATAL, "%s line %d: not name = value", config->shown_file,
                        number);
    size_t before = (size_t)(equals - line.at);
    struct o2c_str name = trim((struct o2c_str){line.at, before});
    struct o2c_str value = trim((struct o2c_str){equals + 1, line.len - before - 1});
    struct given *given = find(config, name);
    if (!given)
        return o2c_fail(err, O2C_FATAL, "%s line %d: unknown setting %.*s",
                        config->shown_file, number, O2C_STR_ARG(name));
    if (is_option_only(given->setting))
        return o2c_fail(err, O2C_FATAL,
                        "%s line %d: --%s is given on the command line alone",
                        config->shown_file, number, given->setting->name);
    if (given->line > 0)
        return o2c_fail(err, O2C_FATAL, "%s line %d: %s stands on line %d already",
                        config->shown_file, number, given->setting->name, given->line);
    given->line = number;
    return give(config, given, value, FROM_FILE, number, err);
}

static enum o2c_verdict read_lines(struct o2c_config *config, struct o2c_str content,
                                   struct o2c_err *err)
{
    for (int number = 1; content.len > 0; number++) {
        const char *end = memchr(content.at, '\n', content.len);
        size_t len = end ? (size_t)(end - content.at) : content.len;
        if (read_line(config, (struct o2c_str){content.at, len}, number, err))
            return err->verdict;
        content.at += len + (end != NULL);
        content.len -= len + (end != NULL);
    }
    return O2C_OK;
}

static enum o2c_verdict read_file(struct o2c_config *config, struct o2c_err *err)
{
    const char *named = getenv("O2C_CONFIG");
    if (!config->file && named && *named && name_file(config, o2c_str_from(named), err))
        return err->verdict;
    if (!config->file)
        return O2C_OK;
    FILE *file = fopen(config->file, "re");
    if (!file)
        return o2c_fail(err, O2C_FATAL, "configuration %s: %s", config->shown_file,
                        strerror(errno));
    struct o2c_buf content;
    o2c_buf_init(&content, FILE_MAX_BYTES);
    char part[4096];
    size_t got;
    while ((got = fread(part, 1, sizeof part, file)) > 0)
        o2c_buf_add(&content, part, got);
    enum o2c_verdict verdict;
    if (ferror(file))
        verdict =
            o2c_fail(err, O2C_FATAL, "configuration %s cannot be read", config->shown_file);
    else if (content.failed)
        verdict = o2c_fail(err, O2C_FATAL, "configuration %s is larger than %d bytes",
                           config->shown_file, FILE_MAX_BYTES);
    else
        verdict = read_lines(config, (struct o2c_str){content.at, content.len}, err);
    o2c_buf_clear(&content);
    fclose(file);
    return verdict;
}

static void origin_text(const struct o2c_config *config, const struct given *given,
                        char *text, size_t size)
{
    const char *name = given->setting->name;
    char variable[NAME_MAX_BYTES];
    variable_name(name, variable);
    switch (given->origin) {
    case FROM_FILE:
        snprintf(text, size, "%s line %d: %s", config->shown_file, given->line, name);
        break;
    case FROM_ENVIRONMENT:
        snprintf(text, size, "%s", variable);
        break;
    case FROM_NOWHERE:
    case FROM_DEFAULT:
    case FROM_ARGUMENT:
        snprintf(text, size, "--%s", name);
        break;
    }
}

static bool to_flag(const char *text, bool *ret_value)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"1", true},
                 {"false", false}, {"no", false}, {"0", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i].text) == 0) {
            *ret_value = words[i].value;
            return true;
        }
    return false;
}

static enum o2c_verdict refuse_value(const struct o2c_config *config,
                                     const struct given *given, struct o2c_err *err)
{
    const struct o2c_setting *setting = given->setting;
    const char *value = setting->secret ? "(secret)" : given->text;
    char where[O2C_ERR_TEXT];
    origin_text(config, given, where, sizeof where);
    if (o2c_setting_is_flag(setting))
        return o2c_fail(err, O2C_FATAL, "%s: \"%.60s\" is not true or false", where, value);
    return o2c_fail(err, O2C_FATAL,
                    "%s: \"%.60s\" is not a number from %" PRId64 " to %" PRId64, where,
                    value, setting->min, setting->max);
}

static enum o2c_verdict set_value(const struct o2c_config *config,
                                  const struct given *given, void *settings,
                                  struct o2c_err *err)
{
    const struct o2c_setting *setting = given->setting;
    void *member = (char *)settings + setting->offset;
    if (given->origin == FROM_NOWHERE && !is_of_others(setting)) {
        char variable[NAME_MAX_BYTES];
        variable_name(setting->name, variable);
        return o2c_fail(err, O2C_FATAL, "setting %s is required: --%s or %s", setting->name,
                        setting->name, variable);
    }
    switch (kind_of(setting)) {
    case O2C_SETTING_TEXT:
        *(const char **)member = given->text;
        return O2C_OK;
    case O2C_SETTING_FLAG:
        return to_flag(given->text, member) ? O2C_OK : refuse_value(config, given, err);
    case O2C_SETTING_INT: {
        int64_t value;
        if (!o2c_str_to_int64(o2c_str_from(given->text), &value) || value < setting->min ||
            value > setting->max)
            return refuse_value(config, given, err);
        *(int64_t *)member = value;
        return O2C_OK;
    }
    case O2C_OPTION_TEXT: /* kind_of names none of these */
    case O2C_OPTION_INT:
    case O2C_OPTION_FLAG:
    case O2C_SETTING_OF_OTHERS:
        break;
    }
    return O2C_OK;
}

enum o2c_verdict o2c_config_load(struct o2c_config **ret_config,
                                 const struct o2c_settings_table *tables,
                                 size_t table_count, void *settings, int argc, char **argv,
                                 int *ret_next, struct o2c_err *err)
{
    struct o2c_config *config = new_config(tables, table_count);
    int next = 1;
    if (!config)
        return o2c_fail(err, O2C_FATAL, "no memory for the settings");
    if (read_arguments(config, argc, argv, &next, err) ||
        (!ret_next && refuse_operand(argc, argv, next, err)) ||
        (!config->option_only && (read_environment(config, err) || read_file(config, err))))
        goto failed;
    for (size_t i = 0; i < config->count; i++)
        if (set_value(config, &config->given[i], settings, err))
            goto failed;
    *ret_config = config;
    if (ret_next)
        *ret_next = next;
    return O2C_OK;

failed:
    o2c_config_free(config);
    return err->verdict;
}

void o2c_config_free(struct o2c_config *config)
{
    if (!config)
        return;
    o2c_arena_clear(&config->texts);
    free(config);
}

static void describe_default(struct o2c_buf *out, const struct o2c_setting *setting)
{
    if (!setting->default_value)
        o2c_buf_add_text(out, "required");
    else if (!*setting->default_value)
        o2c_buf_add_text(out, "empty");
    else
        o2c_buf_printf(out, "%s%s%s", setting->default_value, setting->unit ? " " : "",
                       setting->unit ? setting->unit : "");
}

static void describe_range(struct o2c_buf *out, const struct o2c_setting *setting)
{
    if (kind_of(setting) == O2C_SETTING_INT)
        o2c_buf_printf(out, "%" PRId64 "..%" PRId64 "%s%s", setting->min, setting->max,
                       setting->unit ? " " : "", setting->unit ? setting->unit : "");
    else
        o2c_buf_add_text(out, o2c_setting_is_flag(setting) ? "true or false" : "text");
}

static void describe_plain(struct o2c_buf *out, const struct o2c_setting *setting)
{
    char variable[NAME_MAX_BYTES];
    variable_name(setting->name, variable);
    o2c_buf_printf(out, "  --%s%s\n      %s\n      %s%s", setting->name,
                   o2c_setting_is_flag(setting) ? "" : " VALUE", setting->help,
                   is_option_only(setting) ? "" : variable,
                   is_option_only(setting) ? "" : "; ");
    describe_range(out, setting);
    o2c_buf_add_text(out, setting->default_value ? "; default " : "; ");
    describe_default(out, setting);
    o2c_buf_add_text(out, setting->secret ? "; secret\n" : "\n");
}

static void describe_row(struct o2c_buf *out, const struct o2c_setting *setting)
{
    char variable[NAME_MAX_BYTES];
    variable_name(setting->name, variable);
    o2c_buf_printf(
        out, "| `%s` | %s%s%s | ", setting->name, is_option_only(setting) ? "" : "`",
        is_option_only(setting) ? "none" : variable, is_option_only(setting) ? "" : "`");
    describe_range(out, setting);
    o2c_buf_add_text(out, " | ");
    describe_default(out, setting);
    o2c_buf_printf(out, " | %s%s |\n", setting->help, setting->secret ? " (secret)" : "");
}

void o2c_config_describe(struct o2c_buf *out, const struct o2c_settings_table *tables,
                         size_t table_count, bool markdown)
{
    if (markdown)
        o2c_buf_add_text(out, "| setting | variable | values | default | meaning |\n"
                              "|---|---|---|---|---|\n");
    for (size_t i = 0; i < table_count; i++)
        for (size_t k = 0; k < tables[i].setting_count; k++)
            if (is_of_others(&tables[i].settings[k]))
                continue;
            else if (markdown)
                describe_row(out, &tables[i].settings[k]);
            else
                describe_plain(out, &tables[i].settings[k]);
}
