#include "producers/cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "producers/cli/commands.h"
#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

static const struct o2c_setting *find(const struct options *options, const char *word)
{
    size_t len = strcspn(word + 2, "=");
    for (size_t i = 0; i < options->table->setting_count; i++) {
        const struct o2c_setting *setting = &options->table->settings[i];
        if (strlen(setting->name) == len && !memcmp(setting->name, word + 2, len))
            return setting;
    }
    return NULL;
}

/* Puts options first; "--name" of a flag becomes "--name=true". */
static bool arrange(struct options *options, int argc, char **argv)
{
    int option_count = 0;
    char **words = options->words = calloc((size_t)argc * 2 + 2, sizeof(*words));
    options->operands = calloc((size_t)argc + 1, sizeof(*options->operands));
    if (!words || !options->operands)
        return false;
    words[option_count++] = strdup(argv[0]);
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (only_operands || strncmp(word, "--", 2) != 0) {
            options->operands[options->operand_count++] = word;
        } else if (!word[2]) {
            only_operands = true;
        } else {
            const struct o2c_setting *setting = find(options, word);
            bool flag = setting && o2c_setting_is_flag(setting) && !strchr(word, '=');
            if (asprintf(&words[option_count], "%s%s", word, flag ? "=true" : "") < 0)
                words[option_count] = NULL;
            option_count++;
            bool takes_next = !flag && !strchr(word, '=');
            if (takes_next && i + 1 < argc)
                words[option_count++] = strdup(argv[++i]);
        }
    }
    for (int i = 0; i < option_count; i++)
        if (!words[i])
            return false;
    return true;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

/* ---- exit statuses */

static const char not_taken[] = "a word, a setting or an input file cannot be taken";

static void print_exit(FILE *out, int status, const char *meaning)
{
    if (meaning)
        fprintf(out, "  %-3d  %s\n", status, meaning);
}

void options_print_exit_rule(FILE *out)
{
    fputs("Exit status of every command:\n", out);
    print_exit(out, EXIT_OK, "done, and nothing is wrong");
    print_exit(out, EXIT_FINDINGS,
               "something is wrong with what was looked at or asked for");
    print_exit(out, EXIT_USAGE, not_taken);
    print_exit(out, EXIT_STACK_FAILED,
               "Kafka or PostgreSQL cannot be reached, fails, or is not set up");
    print_exit(out, EXIT_TIMEOUT, "time ran out");
    print_exit(out, EXIT_INTERRUPTED, "interrupted");
}

static void print_exits(const struct exit_meanings *exits)
{
    puts("Exit status:");
    print_exit(stdout, EXIT_OK, exits->done);
    print_exit(stdout, EXIT_FINDINGS, exits->findings);
    print_exit(stdout, EXIT_USAGE, not_taken);
    if (exits->servers)
        printf("  %-3d  %s cannot be reached, fails, or is not set up\n", EXIT_STACK_FAILED,
               exits->servers);
    print_exit(stdout, EXIT_TIMEOUT, exits->timeout);
    print_exit(stdout, EXIT_INTERRUPTED, exits->interrupted ? "interrupted" : NULL);
}

static void print_help(const struct options *options)
{
    struct o2c_buf text;
    o2c_buf_init(&text, 1 << 16);
    o2c_config_describe(&text, options->table, 1, false);
    printf("usage: %s\n\n%s\n", options->usage, options->about);
    print_exits(&options->exits);
    printf("\n%s", o2c_buf_text(&text));
    o2c_buf_clear(&text);
}

static bool count_fits(const struct options *options, const char *command)
{
    bool too_many = options->operand_count > options->max_operands;

    if (too_many)
        fprintf(stderr, "o2c %s: " O2C_WORD_TOO_MANY "\n", command,
                options->operands[options->max_operands]);
    if (too_many || options->operand_count < options->min_operands) {
        fprintf(stderr, "usage: %s\n", options->usage);
        return false;
    }
    return true;
}

bool options_load(struct options *options, int argc, char **argv, int *ret_status)
{
    struct o2c_err err;
    int word_count = 0, next;
    if (wants_help(argc, argv)) {
        print_help(options);
        *ret_status = EXIT_OK;
        return false;
    }
    *ret_status = EXIT_USAGE;
    if (!arrange(options, argc, argv)) {
        fputs("o2c: no memory\n", stderr);
        return false;
    }
    while (options->words[word_count])
        word_count++;
    if (o2c_config_load(&options->config, options->table, 1, options->settings, word_count,
                        options->words, &next, &err)) {
        fprintf(stderr, "o2c %s: %s\n", argv[0], err.text);
        return false;
    }
    return count_fits(options, argv[0]);
}

void options_clear(struct options *options)
{
    o2c_config_free(options->config);
    for (size_t i = 0; options->words && options->words[i]; i++)
        free(options->words[i]);
    free(options->words);
    free(options->operands);
}
