/*
 * o2c-schemagen - turns a folder of schemas into C, and guards its history.
 *
 *   generate SCHEMAS OUT   writes event_types.h and the .c files (run by the build)
 *   check SCHEMAS [IDS]    only checks; IDS is an older ids.json that must still hold
 *   number SCHEMAS         gives new schema files their line in ids.json
 */
#include <stdio.h>
#include <string.h>

#include "schemas/generator/emit.h"

#include "runtime/base/banned.h"

static FILE *open_out(const char *folder, const char *name)
{
    const char *path = pool_printf("%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    if (!out)
        refuse(path, NULL, "cannot be written");
    return out;
}

static void close_out(FILE *out, const char *name)
{
    int failed = ferror(out);
    if (fclose(out) != 0 || failed)
        refuse(name, NULL, "cannot be written");
}

static void generate(const struct registry *registry, const char *folder)
{
    struct ctypes types = {0};
    ctypes_collect(&types, registry);
    FILE *out = open_out(folder, "event_types.h");
    emit_types(out, registry, &types);
    close_out(out, "event_types.h");
    out = open_out(folder, "readers.c");
    emit_readers(out, registry);
    close_out(out, "readers.c");
    out = open_out(folder, "writers.c");
    emit_writers(out, registry, &types);
    close_out(out, "writers.c");
    out = open_out(folder, "tables.c");
    emit_tables(out, registry, &types);
    close_out(out, "tables.c");
}

static void check(const struct registry *registry, const char *older_ids)
{
    struct ctypes types = {0};
    ctypes_collect(&types, registry);
    if (older_ids)
        registry_check_history(registry, older_ids);
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "generate"))
        generate(registry_read(argv[2]), argv[3]);
    else if ((argc == 3 || argc == 4) && !strcmp(argv[1], "check"))
        check(registry_read(argv[2]), argc == 4 ? argv[3] : NULL);
    else if (argc == 3 && !strcmp(argv[1], "number"))
        registry_number(argv[2]);
    else {
        fprintf(stderr, "usage: o2c-schemagen generate SCHEMAS OUT | check SCHEMAS [IDS]"
                        " | number SCHEMAS\n");
        return 2;
    }
    return 0;
}
