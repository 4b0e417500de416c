/*
 * o2c import check: proves that what a file says is what the pipeline shows.
 * Three multisets of (document, amount) per event type: of the file, read
 * again through the parser that published it; of the records on the topics
 * that carry the run's id; of the rows of the reading views.  Every difference
 * is named, and a few rows are shown side by side for a person.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producers/cli/commands.h"
#include "producers/cli/import_state.h"
#include "producers/cli/import_topic.h"
#include "producers/cli/input.h"
#include "producers/cli/options.h"
#include "producers/cli/stack.h"
#include "producers/publish/evidence.h"
#include "producers/publish/intake.h"
#include "producers/publish/outgoing.h"
#include "producers/publish/totals.h"
#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

enum {
    MAX_SHOWN_BYTES = 400, /* of a line of the source */
};

struct import_settings {
    struct stack_settings stack;
    const char *input, *map, *totals;
    int64_t samples, seed;
};

static const struct o2c_setting settings_rows[] = {
    {"input", O2C_SETTING_TEXT, offsetof(struct import_settings, input), "", 0, 0, NULL,
     "the file or directory that was published", false},
    {"map", O2C_SETTING_TEXT, offsetof(struct import_settings, map), "", 0, 0, NULL,
     "mapping file: the input is CSV", false},
    {"totals", O2C_SETTING_TEXT, offsetof(struct import_settings, totals), "", 0, 0, NULL,
     "file of the run's control totals; default: RUN.totals.json, if it is there", false},
    {"samples", O2C_SETTING_INT, offsetof(struct import_settings, samples), "3", 0, 1000,
     NULL, "rows to show, source beside result", false},
    {"seed", O2C_SETTING_INT, offsetof(struct import_settings, seed), "1", 0, INT64_MAX,
     NULL, "draws the rows to show", false},
    STACK_SETTINGS(struct import_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

struct check {
    struct stack stack;
    struct import_settings settings;
    const char *run;
    struct input input;
    struct o2c_evidence file, topic;
    json_t *totals; /* of the file, repeats included */
    uint64_t refused;
    int differences;
};

static void difference(struct check *check, const char *fmt, ...) O2C_PRINTF(2, 3);

static void difference(struct check *check, const char *fmt, ...)
{
    va_list args;

    check->differences++;
    fputs("different: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

/* ---- the file */

static enum o2c_verdict on_event(void *user, const struct o2c_outgoing *outgoing,
                                 const struct o2c_event *event, struct o2c_err *err)
{
    struct check *check = user;
    struct o2c_facts facts;

    if (!o2c_facts_of(event, &facts))
        return O2C_OK;
    if (!o2c_totals_add(check->totals, &facts))
        return o2c_fail(err, O2C_RETRY, "no memory for the totals of the file");
    return o2c_evidence_add(&check->file, &facts, outgoing->place, err);
}

static void on_fault(void *user, const char *sentence)
{
    (void)user;
    fprintf(stderr, "%s\n", sentence);
}

static void on_refused(void *user, const struct o2c_event_type_row *type)
{
    struct check *check = user;

    (void)type;
    check->refused++;
}

static enum o2c_verdict on_barrier(void *user, uint64_t line, struct o2c_err *err)
{
    (void)user;
    (void)line;
    (void)err;
    return O2C_OK;
}

static ssize_t read_input(void *user, char *into, size_t room)
{
    struct check *check = user;
    ssize_t got;

    do
        got = read(check->input.fd, into, room);
    while (got < 0 && errno == EINTR);
    return got;
}

/* The source decides neither key nor amount: a file without one needs none here. */
static int read_file(struct check *check)
{
    const struct o2c_intake_sink sink = {.event = on_event,
                                         .fault = on_fault,
                                         .refused = on_refused,
                                         .barrier = on_barrier,
                                         .user = check};
    struct o2c_intake intake;
    struct o2c_err err;

    if (input_open(&check->input, check->settings.input, check->settings.map, on_fault,
                   check, &err))
        return stack_fail(&check->stack, EXIT_USAGE, "%s", err.text);
    o2c_intake_init(&intake, &sink, O2C_STR("import"));
    enum o2c_verdict verdict = input_read(&check->input, &intake, read_input, check, &err);
    o2c_intake_clear(&intake);
    if (verdict)
        return stack_fail(&check->stack, EXIT_USAGE, "%s", err.text);
    if (check->refused)
        difference(check, "%" PRIu64 " events of %s are refused, see above", check->refused,
                   check->input.file);
    return EXIT_OK;
}

/* ---- control totals */

static void show_total(char *text, size_t room, const json_t *total)
{
    const json_t *amount = json_object_get(total, "amount_minor");

    if (!total)
        snprintf(text, room, "none");
    else if (json_is_integer(amount))
        snprintf(text, room,
                 "%" JSON_INTEGER_FORMAT " of amount_minor %" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(total, "count")),
                 json_integer_value(amount));
    else
        snprintf(text, room, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(total, "count")));
}

static void on_total(void *user, const char *type, const char *customer,
                     const char *currency, const json_t *of_file, const json_t *of_run)
{
    struct check *check = user;
    char file_text[64], run_text[64];

    show_total(file_text, sizeof file_text, of_file);
    show_total(run_text, sizeof run_text, of_run);
    difference(check, "%s of customer %s%s%s: the file has %s, the run's control totals %s",
               type, customer, *currency ? " in " : "", currency, file_text, run_text);
}

static int check_totals(struct check *check)
{
    const char *path = check->settings.totals;
    char own[O2C_TOTALS_PATH_BYTES];
    json_t *run;
    struct o2c_err err;

    if (!*path) {
        o2c_totals_path(check->run, own);
        path = own;
        if (access(path, F_OK)) {
            printf("control totals: %s is not there; not compared\n", path);
            return EXIT_OK;
        }
    }
    if (o2c_totals_read(path, &run, &err))
        return stack_fail(&check->stack, EXIT_USAGE, "%s", err.text);
    const char *named = json_string_value(json_object_get(run, "run"));
    if (!named || strcmp(named, check->run) != 0) {
        json_decref(run);
        return stack_fail(&check->stack, EXIT_USAGE, "%s: run: \"%s\" is not %s", path,
                          named ? named : "", check->run);
    }
    o2c_totals_compare(check->totals, json_object_get(run, "totals"), on_total, check);
    json_decref(run);
    printf("control totals: %s compared\n", path);
    return EXIT_OK;
}

/* ---- differences */

#define DOCUMENT "%s %.*s of account %.*s"
#define DOCUMENT_ARGS(facts)                                                               \
    o2c_event_type_row((facts)->type)->name, O2C_STR_ARG((facts)->id),                     \
        O2C_STR_ARG((facts)->account)

static void show_amount(char *text, size_t room, const struct o2c_facts *facts)
{
    if (facts->has_amount)
        snprintf(text, room, "amount_minor %" PRId64 " %.*s", facts->amount_minor,
                 O2C_STR_ARG(facts->currency));
    else
        snprintf(text, room, "no amount %.*s", O2C_STR_ARG(facts->currency));
}

static void on_topic(void *user, const struct o2c_exhibit *of_file,
                     const struct o2c_exhibit *of_topic)
{
    struct check *check = user;
    char file_text[96], topic_text[96];

    assert(of_file || of_topic);
    if (of_file)
        show_amount(file_text, sizeof file_text, &of_file->facts);
    if (of_topic)
        show_amount(topic_text, sizeof topic_text, &of_topic->facts);
    if (!of_topic)
        difference(check, DOCUMENT ", %s, line %.*s: in the file, not in the topic",
                   DOCUMENT_ARGS(&of_file->facts), file_text, O2C_STR_ARG(of_file->place));
    else if (!of_file)
        difference(check, DOCUMENT ", %s, %.*s: in the topic, not in the file",
                   DOCUMENT_ARGS(&of_topic->facts), topic_text,
                   O2C_STR_ARG(of_topic->place));
    else
        difference(check, DOCUMENT ": %s in line %.*s of the file, %s in the topic (%.*s)",
                   DOCUMENT_ARGS(&of_file->facts), file_text, O2C_STR_ARG(of_file->place),
                   topic_text, O2C_STR_ARG(of_topic->place));
}

static void on_state(void *user, const struct o2c_exhibit *of_topic, const char *view,
                     const struct o2c_facts *of_state)
{
    struct check *check = user;
    char topic_text[96], state_text[96];

    show_amount(topic_text, sizeof topic_text, &of_topic->facts);
    if (!of_state) {
        difference(check, DOCUMENT ", %s, %.*s: in the topic, not in %s",
                   DOCUMENT_ARGS(&of_topic->facts), topic_text,
                   O2C_STR_ARG(of_topic->place), view);
        return;
    }
    show_amount(state_text, sizeof state_text, of_state);
    if (of_state->revision < of_topic->facts.revision)
        difference(check, DOCUMENT " revision %" PRId64 ", %.*s: %s has revision %" PRId64,
                   DOCUMENT_ARGS(&of_topic->facts), of_topic->facts.revision,
                   O2C_STR_ARG(of_topic->place), view, of_state->revision);
    else
        difference(check, DOCUMENT ": %s in the topic (%.*s), %s in %s",
                   DOCUMENT_ARGS(&of_topic->facts), topic_text,
                   O2C_STR_ARG(of_topic->place), state_text, view);
}

/* ---- what a person looks at */

/* The line of the source: NDJSON names its number, CSV its file too. */
static char *source_line(const struct check *check, struct o2c_str place)
{
    const char *colon = memrchr(place.at, ':', place.len);
    const char *input = check->settings.input, *slash = strrchr(input, '/');
    size_t number_len = colon ? (size_t)(place.at + place.len - colon - 1) : place.len;
    int64_t wanted = 0;
    char *path = NULL, *line = NULL;
    size_t cap = 0;
    FILE *file = NULL;

    if (!o2c_str_to_int64((struct o2c_str){colon ? colon + 1 : place.at, number_len},
                          &wanted))
        return NULL;
    if (!colon)
        path = strdup(input);
    else if (asprintf(&path, "%s/%.*s", input, (int)(colon - place.at), place.at) < 0)
        path = NULL;
    if (path && colon && access(path, R_OK)) {
        free(path);
        if (asprintf(&path, "%.*s%.*s", slash ? (int)(slash - input + 1) : 0, input,
                     (int)(colon - place.at), place.at) < 0)
            path = NULL;
    }
    if (path)
        file = fopen(path, "r");
    bool ended = false;
    for (int64_t i = 0; file && i < wanted && !ended; i++)
        ended = getline(&line, &cap, file) < 0;
    if (ended) {
        free(line);
        line = strdup("(has no such line any more)");
    }
    if (file)
        fclose(file);
    free(path);
    return line;
}

static int print_sample(struct check *check, size_t number,
                        const struct o2c_exhibit *sample)
{
    const struct o2c_exhibit *found = NULL;
    char amount[96];
    char *line, *row;

    if (import_state_row(&check->stack, &sample->facts, &row))
        return EXIT_STACK_FAILED;
    line = source_line(check, sample->place);
    for (size_t i = 0; i < check->topic.count && !found; i++)
        if (check->topic.exhibits[i].facts.type == sample->facts.type &&
            o2c_str_eq(check->topic.exhibits[i].facts.account, sample->facts.account) &&
            o2c_str_eq(check->topic.exhibits[i].facts.id, sample->facts.id) &&
            check->topic.exhibits[i].facts.revision == sample->facts.revision)
            found = &check->topic.exhibits[i];
    if (line)
        line[strcspn(line, "\r\n")] = '\0';
    printf("\nsample %zu: " DOCUMENT "\n", number, DOCUMENT_ARGS(&sample->facts));
    printf("  source  %.*s: %.*s\n", O2C_STR_ARG(sample->place), MAX_SHOWN_BYTES,
           line ? line : "(cannot be read again)");
    if (found) {
        show_amount(amount, sizeof amount, &found->facts);
        printf("  topic   %.*s: %s\n", O2C_STR_ARG(found->place), amount);
    } else {
        printf("  topic   nothing\n");
    }
    printf("  state   %s\n", row ? row : "(no view shows it)");
    free(line);
    free(row);
    return EXIT_OK;
}

static int print_samples(struct check *check)
{
    size_t count = 0;
    int status = EXIT_OK;
    size_t *chosen = o2c_evidence_sample(&check->file, (size_t)check->settings.samples,
                                         (uint64_t)check->settings.seed, &count);

    for (size_t i = 0; i < count && !status; i++)
        status = print_sample(check, i + 1, &check->file.exhibits[chosen[i]]);
    free(chosen);
    return status;
}

/* ---- the whole */

static size_t count_of(const struct o2c_evidence *evidence, enum o2c_event_type type)
{
    size_t count = 0;

    for (size_t i = 0; i < evidence->count; i++)
        count += evidence->exhibits[i].facts.type == type;
    return count;
}

static void print_counts(const struct check *check)
{
    printf("%-28s %10s %10s  %s\n", "", "file", "topic", "compared with");
    for (int i = 1; o2c_event_type_row((enum o2c_event_type)i); i++) {
        enum o2c_event_type type = (enum o2c_event_type)i;
        size_t of_file = count_of(&check->file, type);
        size_t of_topic = count_of(&check->topic, type);
        const char *view = import_state_view(type);

        if (of_file || of_topic)
            printf("%-28s %10zu %10zu  %s\n", o2c_event_type_row(type)->name, of_file,
                   of_topic, view ? view : "no view");
    }
}

static int compare_all(struct check *check)
{
    int status = read_file(check);

    if (!status)
        status = check_totals(check);
    if (!status)
        status = stack_open_pg(&check->stack);
    if (!status)
        status = stack_open_kafka(&check->stack);
    if (!status)
        status = import_topic_read(&check->stack, check->run, &check->topic);
    if (status)
        return status;
    o2c_evidence_settle(&check->file);
    o2c_evidence_settle(&check->topic);
    if (check->file.count && !check->topic.count)
        difference(check, "no record carries the run %s", check->run);
    else
        o2c_evidence_compare(&check->file, &check->topic, on_topic, check);
    status = import_state_compare(&check->stack, &check->topic, on_state, check);
    if (status)
        return status;
    bool empty = !check->file.count && !check->topic.count;
    if (!empty)
        print_counts(check);
    status = print_samples(check);
    if (status)
        return status;
    if (check->differences)
        return stack_fail(&check->stack, EXIT_FINDINGS, "run %s: %d difference%s",
                          check->run, check->differences,
                          check->differences == 1 ? "" : "s");
    printf("%srun %s: %s\n", empty ? "" : "\n", check->run,
           empty ? "the file and the topics agree, neither has an event"
                 : "the file, the topics and the views agree");
    return EXIT_OK;
}

static int import_check(struct check *check)
{
    if (!*check->settings.input)
        return stack_fail(&check->stack, EXIT_USAGE, "input: --input FILE is missing");
    o2c_evidence_init(&check->file);
    o2c_evidence_init(&check->topic);
    check->totals = json_object();
    int status = check->totals ? compare_all(check)
                               : stack_fail(&check->stack, EXIT_STACK_FAILED, "no memory");
    json_decref(check->totals);
    o2c_evidence_clear(&check->file);
    o2c_evidence_clear(&check->topic);
    input_close(&check->input);
    return status;
}

int import_run(int argc, char **argv)
{
    struct check check = {.input = {.fd = -1}};
    struct options options = {
        .usage = "o2c import check RUN --input FILE [options]",
        .about =
            "Proves an import, on a drained pipeline: compares the file that o2c publish\n"
            "--run RUN published, the records that carry the run's id, and what the views\n"
            "show. Names every difference and shows a few rows, source beside result. Events\n"
            "published more than once are no difference.\n",
        .exits = {.done = "they agree",
                  .findings = "they differ; each difference is named",
                  .servers = "Kafka or PostgreSQL"},
        .table = &table,
        .settings = &check.settings,
        .min_operands = 2,
        .max_operands = 2,
    };
    int status;

    check.stack = (struct stack){.command = argv[0], .settings = &check.settings.stack};
    if (options_load(&options, argc, argv, &status)) {
        check.run = options.operands[1];
        if (strcmp(options.operands[0], "check") != 0)
            status = stack_fail(&check.stack, EXIT_USAGE,
                                "\"%s\" is no action; check is one", options.operands[0]);
        else if (!o2c_run_id_is_valid(check.run))
            status =
                stack_fail(&check.stack, EXIT_USAGE, "\"%s\" is no id of a run", check.run);
        else
            status = import_check(&check);
    }
    stack_close(&check.stack);
    options_clear(&options);
    return status;
}
