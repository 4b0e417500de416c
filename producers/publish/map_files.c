/* "files" and "defaults" of a mapping: finds the files and reads their headers. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "producers/publish/map_plan.h"
#include "producers/publish/unnamed.h"

#include "runtime/base/banned.h"

enum {
    MAX_PATH_BYTES = 4096,
    COPY_BYTES = 65536,
};

/* Where the files lie. */
struct input {
    const char *given;
    char folder[MAX_PATH_BYTES];
    const char *file; /* the one that was named; NULL: the folder was */
};

static const char *option(const json_t *file, const json_t *defaults, const char *name)
{
    const json_t *value = json_object_get(file, name);
    return json_string_value(value ? value : json_object_get(defaults, name));
}

static void read_options(const json_t *file, const json_t *defaults,
                         struct o2c_csv_options *options)
{
    const char *delimiter = option(file, defaults, "delimiter");
    const char *quote = option(file, defaults, "quote");
    const char *encoding = option(file, defaults, "encoding");
    const json_t *trim = json_object_get(file, "trim");
    if (!trim)
        trim = json_object_get(defaults, "trim");
    if (delimiter)
        options->delimiter = *delimiter;
    if (quote)
        options->quote = *quote;
    options->latin1 = encoding && !strcmp(encoding, "latin-1");
    options->trim = json_is_true(trim);
}

static bool add_column(struct o2c_table *table, const char *name)
{
    char *text = strdup(name);
    if (!text)
        return false;
    struct o2c_str *column = &table->columns[table->column_count++];
    column->at = text;
    column->len = strlen(text);
    return true;
}

static void given_columns(struct map_compile *compile, struct o2c_table *table,
                          const json_t *columns)
{
    if (!columns)
        return;
    table->has_header = false;
    table->columns = calloc(json_array_size(columns), sizeof(*table->columns));
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const char *name = json_string_value(json_array_get(columns, i));
        if (o2c_table_column(table, o2c_str_from(name)) >= 0) {
            map_complain(compile, "the column \"%s\" stands there twice", name);
            return;
        }
        if (!table->columns || !add_column(table, name)) {
            map_complain(compile, "no memory for the columns");
            return;
        }
    }
}

static bool write_all(int fd, const char *at, size_t len)
{
    while (len) {
        ssize_t written = write(fd, at, len);
        if (written < 0)
            return false;
        at += written;
        len -= (size_t)written;
    }
    return true;
}

/* The whole of standard input in a file without a name, since files are read more than
 * once. */
static bool copy_stdin(struct map_compile *compile)
{
    char bytes[COPY_BYTES];
    struct o2c_err err;
    ssize_t got;
    int fd;
    if (o2c_unnamed_open(&fd, &err)) {
        map_complain(compile, "standard input cannot be kept: %s", err.text);
        return false;
    }
    compile->map->stdin_copy = fd;
    while ((got = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
        if (!write_all(fd, bytes, (size_t)got))
            break;
    if (got)
        map_complain(compile, "standard input cannot be kept: %s", strerror(errno));
    return got == 0;
}

static bool add_stdin(struct map_compile *compile, struct o2c_table *table)
{
    char path[32];
    if (!copy_stdin(compile))
        return false;
    snprintf(path, sizeof(path), "/dev/fd/%d", compile->map->stdin_copy);
    return o2c_table_add_path(table, path, "stdin");
}

static bool add_file(struct o2c_table *table, const struct input *input, const char *name)
{
    char path[MAX_PATH_BYTES];
    int len = snprintf(path, sizeof(path), "%s/%s", input->folder, name);
    return len > 0 && (size_t)len < sizeof(path) && o2c_table_add_path(table, path, name);
}

static void find_by_pattern(struct map_compile *compile, struct o2c_table *table,
                            const char *pattern, const struct input *input)
{
    struct dirent **entries;
    int count = scandir(input->folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (!fnmatch(pattern, entries[i]->d_name, FNM_PERIOD) &&
            !add_file(table, input, entries[i]->d_name))
            map_complain(compile, "no memory for the file names");
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    if (!table->path_count)
        map_complain(compile, "there is no file \"%s\" in %s", pattern, input->folder);
}

static void find_paths(struct map_compile *compile, struct o2c_table *table,
                       const char *pattern, const struct input *input)
{
    bool only = compile->map->table_count == 1;
    if (strchr(pattern, '/'))
        map_complain(compile, "\"%s\" must be the name of a file, without a path", pattern);
    else if (!strcmp(input->given, "/dev/stdin")) {
        if (only)
            (void)add_stdin(compile, table);
        else
            map_complain(compile, "standard input is one file, the mapping reads several");
    } else if (input->file && (only || !fnmatch(pattern, input->file, FNM_PERIOD))) {
        (void)add_file(table, input, input->file);
    } else {
        find_by_pattern(compile, table, pattern, input);
    }
}

static bool find_input(struct map_compile *compile, const char *given, struct input *ret)
{
    struct stat status;
    *ret = (struct input){.given = given};
    if (!strcmp(given, "/dev/stdin"))
        return true;
    if (stat(given, &status) || strlen(given) >= sizeof(ret->folder)) {
        map_complain(compile, "%s: %s", given, strerror(errno));
        return false;
    }
    snprintf(ret->folder, sizeof(ret->folder), "%s", given);
    if (S_ISDIR(status.st_mode))
        return true;
    char *slash = strrchr(ret->folder, '/');
    ret->file = strrchr(given, '/') ? strrchr(given, '/') + 1 : given;
    if (slash == ret->folder)
        slash[1] = '\0';
    else if (slash)
        *slash = '\0';
    else
        snprintf(ret->folder, sizeof(ret->folder), ".");
    return true;
}

static void compile_file(struct map_compile *compile, struct o2c_table *table,
                         const json_t *document, const struct input *input)
{
    const json_t *defaults = json_object_get(compile->map->document, "defaults");
    const char *pattern = json_string_value(document);
    struct o2c_err err;
    if (!pattern)
        pattern = json_string_value(json_object_get(document, "file"));
    read_options(document, defaults, &table->options);
    if (table->options.quote == table->options.delimiter)
        map_complain(compile, "quote and delimiter are the same character");
    given_columns(compile, table, json_object_get(document, "columns"));
    find_paths(compile, table, pattern, input);
    if (table->path_count && o2c_table_read_header(table, &err))
        map_complain(compile, "%s", err.text);
}

void map_compile_files(struct map_compile *compile, const char *given)
{
    const json_t *files = json_object_get(compile->map->document, "files");
    size_t count = json_object_size(files);
    struct input input;
    const char *name;
    json_t *file;
    if (!find_input(compile, given, &input))
        return;
    compile->map->tables = map_alloc(compile, count, sizeof(*compile->map->tables));
    if (!compile->map->tables)
        return;
    compile->map->table_count = count;
    struct o2c_table *table = compile->map->tables;
    json_object_foreach((json_t *)(uintptr_t)files, name, file)
    {
        size_t len = map_push(compile, "files.%s", name);
        o2c_table_init(table, name);
        compile_file(compile, table, file, &input);
        map_pop(compile, len);
        table++;
    }
}

struct o2c_table *map_table_by_name(struct map_compile *compile, const char *name)
{
    for (size_t i = 0; i < compile->map->table_count; i++)
        if (!strcmp(compile->map->tables[i].name, name))
            return &compile->map->tables[i];
    map_complain(compile, "\"%s\" is not among the files of this mapping", name);
    return NULL;
}
