/* The schema written out again: for fingerprints, and to tell whether two types are the
 * same. */
#include "schemas/generator/schema.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/banned.h"

enum {
    MAX_NAMED = 64
};

struct writing {
    FILE *out;
    bool whole;  /* with logical types and defaults */
    bool spaces; /* with namespaces; a name met again is then not written out again */
    const void *met[MAX_NAMED];
    size_t met_count;
};

static const struct {
    const char *primitive, *logical;
} spelling[] = {
    [KIND_STRING] = {"string", NULL},
    [KIND_UUID] = {"string", "uuid"},
    [KIND_BOOLEAN] = {"boolean", NULL},
    [KIND_INT] = {"int", NULL},
    [KIND_LONG] = {"long", NULL},
    [KIND_DATE] = {"int", "date"},
    [KIND_TIMESTAMP] = {"long", "timestamp-micros"},
};

static const char *name_in(const struct writing *to, const char *space, const char *name)
{
    return to->spaces ? full_name(space, name) : name;
}

static bool met_before(struct writing *to, const void *named)
{
    if (!to->spaces)
        return false;
    for (size_t i = 0; i < to->met_count; i++)
        if (to->met[i] == named)
            return true;
    if (to->met_count < MAX_NAMED)
        to->met[to->met_count++] = named;
    return false;
}

static void write_symbols(struct writing *to, const struct symbols *symbols)
{
    assert(symbols && "only an enum is written by its symbols");
    const char *name = name_in(to, symbols->space, symbols->name);
    if (met_before(to, symbols)) {
        fprintf(to->out, "\"%s\"", name);
        return;
    }
    fprintf(to->out, "{\"name\":\"%s\",\"type\":\"enum\",\"symbols\":[", name);
    for (size_t i = 0; i < symbols->count; i++)
        fprintf(to->out, "%s\"%s\"", i ? "," : "", symbols->at[i]);
    fprintf(to->out, "]}");
}

static void write_record(struct writing *to, const struct record *record);

static void write_value(struct writing *to, const struct type *type)
{
    if (type->kind == KIND_RECORD)
        write_record(to, type->record);
    else if (type->kind == KIND_ENUM)
        write_symbols(to, type->symbols);
    else if (to->whole && spelling[type->kind].logical)
        fprintf(to->out, "{\"type\":\"%s\",\"logicalType\":\"%s\"}",
                spelling[type->kind].primitive, spelling[type->kind].logical);
    else
        fprintf(to->out, "\"%s\"", spelling[type->kind].primitive);
}

static void write_type(struct writing *to, const struct type *type)
{
    fprintf(to->out, "%s%s", type->optional ? "[\"null\"," : "",
            type->array ? "{\"type\":\"array\",\"items\":" : "");
    write_value(to, type);
    fprintf(to->out, "%s%s", type->array ? "}" : "", type->optional ? "]" : "");
}

static void write_default(struct writing *to, const struct field *field)
{
    fprintf(to->out, ",\"default\":");
    if (field->type.optional)
        fprintf(to->out, "null");
    else if (field->type.array)
        fprintf(to->out, "[]");
    else if (field->default_text)
        fprintf(to->out, "\"%s\"", field->default_text);
    else if (field->type.kind == KIND_BOOLEAN)
        fprintf(to->out, field->default_number ? "true" : "false");
    else
        fprintf(to->out, "%" PRId64, field->default_number);
}

static void write_record(struct writing *to, const struct record *record)
{
    const char *name = name_in(to, record->space, record->name);
    if (met_before(to, record)) {
        fprintf(to->out, "\"%s\"", name);
        return;
    }
    fprintf(to->out, "{\"name\":\"%s\",\"type\":\"record\",\"fields\":[", name);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        fprintf(to->out, "%s{\"name\":\"%s\",\"type\":", i ? "," : "", field->name);
        write_type(to, &field->type);
        if (to->whole && field->has_default)
            write_default(to, field);
        fprintf(to->out, "}");
    }
    fprintf(to->out, "]}");
}

static char *written(struct writing *to, const struct record *record,
                     const struct symbols *symbols)
{
    char *text = NULL;
    size_t len;
    to->out = open_memstream(&text, &len);
    if (!to->out)
        return pool_keep(NULL);
    if (record)
        write_record(to, record);
    else
        write_symbols(to, symbols);
    fclose(to->out);
    return pool_keep(text);
}

char *schema_text(const struct record *record, bool whole)
{
    struct writing to = {.whole = whole, .spaces = true};
    return written(&to, record, NULL);
}

char *shape_of_record(const struct record *record)
{
    struct writing to = {.whole = true};
    return written(&to, record, NULL);
}

char *shape_of_symbols(const struct symbols *symbols)
{
    struct writing to = {.whole = true};
    return written(&to, NULL, symbols);
}

const char *fingerprint(const char *text)
{
    const uint64_t empty = 0xc15d213aa4d7a795;
    uint64_t sum = empty;
    for (const char *at = text; *at; at++) {
        sum ^= (unsigned char)*at;
        for (int bit = 0; bit < 8; bit++)
            sum = (sum >> 1) ^ (empty & -(sum & 1));
    }
    return pool_printf("%016" PRIx64, sum);
}
