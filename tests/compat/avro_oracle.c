#include "tests/compat/avro_oracle.h"

#include <assert.h>
#include <avro.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/buf.h"
#include "schemas/wire/frame.h"

enum {
    MAX_BYTES = 4 << 20
};

struct version {
    avro_schema_t schema;
    avro_value_iface_t *iface;
};

struct oracle {
    json_t *ids;
    struct version *versions; /* index: id - 1 */
    char *scratch;
};

static const json_t *line_of(const struct oracle *oracle, int32_t id)
{
    return json_array_get(oracle->ids, (size_t)id - 1);
}

int32_t oracle_id_count(const struct oracle *oracle)
{
    return (int32_t)json_array_size(oracle->ids);
}

const char *oracle_name(const struct oracle *oracle, int32_t id)
{
    return json_string_value(json_object_get(line_of(oracle, id), "name"));
}

int oracle_version(const struct oracle *oracle, int32_t id)
{
    return (int)json_integer_value(json_object_get(line_of(oracle, id), "version"));
}

static void open_version(const char *folder, const json_t *line, struct version *version)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder,
             json_string_value(json_object_get(line, "file")));
    json_t *json = json_load_file(path, 0, NULL);
    char *text = json_dumps(json, 0);
    json_decref(json);
    if (!text || avro_schema_from_json_length(text, strlen(text), &version->schema) != 0) {
        fprintf(stderr, "%s: %s\n", path, avro_strerror());
        abort();
    }
    free(text);
    version->iface = avro_generic_class_from_schema(version->schema);
    assert(version->iface);
}

struct oracle *oracle_open(const char *schemas_folder)
{
    struct oracle *oracle = calloc(1, sizeof(*oracle));
    char path[512];
    snprintf(path, sizeof(path), "%s/ids.json", schemas_folder);
    assert(oracle);
    oracle->ids = json_load_file(path, 0, NULL);
    assert(oracle->ids);
    oracle->versions = calloc(json_array_size(oracle->ids), sizeof(*oracle->versions));
    oracle->scratch = malloc(MAX_BYTES);
    assert(oracle->versions && oracle->scratch);
    for (int32_t id = 1; id <= oracle_id_count(oracle); id++)
        open_version(schemas_folder, line_of(oracle, id), &oracle->versions[id - 1]);
    return oracle;
}

void oracle_close(struct oracle *oracle)
{
    if (!oracle)
        return;
    for (int32_t id = 1; id <= oracle_id_count(oracle); id++) {
        avro_value_iface_decref(oracle->versions[id - 1].iface);
        avro_schema_decref(oracle->versions[id - 1].schema);
    }
    json_decref(oracle->ids);
    free(oracle->versions);
    free(oracle->scratch);
    free(oracle);
}

static int fill_record(const struct o2c_record *record, const char *body, avro_value_t *to);

static int fill_text(struct o2c_str text, avro_value_t *to)
{
    char *copy =
        strndup(text.at, text.len); /* Avro C wants a NUL after it, and counts it */
    int failed = avro_value_set_string_len(to, copy, text.len + 1);
    free(copy);
    return failed;
}

static int fill_value(const struct o2c_field *field, const char *at, avro_value_t *to)
{
    switch (field->kind) {
    case O2C_KIND_STRING:
    case O2C_KIND_UUID:
        return fill_text(*(const struct o2c_str *)at, to);
    case O2C_KIND_BOOLEAN:
        return avro_value_set_boolean(to, *(const bool *)at);
    case O2C_KIND_INT:
    case O2C_KIND_DATE:
        return avro_value_set_int(to, *(const int32_t *)at);
    case O2C_KIND_LONG:
    case O2C_KIND_TIMESTAMP:
        return avro_value_set_long(to, *(const int64_t *)at);
    case O2C_KIND_ENUM:
        return avro_value_set_enum(to, *(const int *)at);
    case O2C_KIND_RECORD:
        return fill_record(field->record, at, to);
    }
    return -1;
}

static int fill_array(const struct o2c_field *field, const char *body, avro_value_t *to)
{
    const char *items = *(const char *const *)(body + field->offset);
    size_t count = *(const size_t *)(body + field->beside);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        int failed = avro_value_append(to, &item, NULL);
        if (failed || fill_value(field, items + i * o2c_field_item_bytes(field), &item))
            return -1;
    }
    return 0;
}

static int fill_field(const struct o2c_field *field, const char *body, avro_value_t *to)
{
    avro_value_t branch = *to;
    const char *at = body + field->offset;
    if (field->optional) {
        bool present = o2c_field_is_present(field, body);
        if (avro_value_set_branch(to, present, &branch) != 0)
            return -1;
        if (!present)
            return avro_value_set_null(&branch);
        if (field->kind == O2C_KIND_RECORD && !field->array)
            at = *(const char *const *)at;
    }
    return field->array ? fill_array(field, body, &branch) : fill_value(field, at, &branch);
}

static int fill_record(const struct o2c_record *record, const char *body, avro_value_t *to)
{
    size_t count = 0;
    avro_value_get_size(to, &count);
    for (size_t i = 0; i < count; i++) {
        avro_value_t value;
        const char *name;
        if (avro_value_get_by_index(to, i, &value, &name) != 0)
            return -1;
        const struct o2c_field *field = o2c_record_field(record, o2c_str_from(name));
        if (!field || fill_field(field, body, &value) != 0)
            return -1;
    }
    return 0;
}

bool oracle_encode(struct oracle *oracle, int32_t id, const struct o2c_event *event,
                   struct o2c_buf *out)
{
    avro_value_t value;
    avro_generic_value_new(oracle->versions[id - 1].iface, &value);
    int failed = fill_record(o2c_event_type_row(event->type)->record, event->body, &value);
    avro_writer_t writer = avro_writer_memory(oracle->scratch, MAX_BYTES);
    if (!failed)
        failed = avro_value_write(writer, &value);
    o2c_frame_write(out, id);
    o2c_buf_add(out, oracle->scratch, (size_t)avro_writer_tell(writer));
    avro_writer_free(writer);
    avro_value_decref(&value);
    return !failed && !out->failed;
}

static bool record_agrees(const struct o2c_record *record, const char *body,
                          const avro_value_t *value, const char **ret_field);

static bool text_agrees(struct o2c_str text, const avro_value_t *value)
{
    const char *at;
    size_t len;
    return avro_value_get_string(value, &at, &len) == 0 && len == text.len + 1 &&
           !memcmp(at, text.at, text.len);
}

static bool number_agrees(const struct o2c_field *field, const char *at,
                          const avro_value_t *value)
{
    int64_t wide = 0;
    int32_t narrow = 0;
    int flag = 0;
    if (field->kind == O2C_KIND_BOOLEAN)
        return avro_value_get_boolean(value, &flag) == 0 && flag == *(const bool *)at;
    if (field->kind == O2C_KIND_ENUM)
        return avro_value_get_enum(value, &flag) == 0 && flag == *(const int *)at;
    if (field->kind == O2C_KIND_INT || field->kind == O2C_KIND_DATE)
        return avro_value_get_int(value, &narrow) == 0 && narrow == *(const int32_t *)at;
    return avro_value_get_long(value, &wide) == 0 && wide == *(const int64_t *)at;
}

static bool value_agrees(const struct o2c_field *field, const char *at,
                         const avro_value_t *value, const char **ret_field)
{
    if (field->kind == O2C_KIND_RECORD)
        return record_agrees(field->record, at, value, ret_field);
    if (field->kind == O2C_KIND_STRING || field->kind == O2C_KIND_UUID)
        return text_agrees(*(const struct o2c_str *)at, value);
    return number_agrees(field, at, value);
}

static bool array_agrees(const struct o2c_field *field, const char *body,
                         const avro_value_t *value, const char **ret_field)
{
    const char *items = *(const char *const *)(body + field->offset);
    size_t count = *(const size_t *)(body + field->beside), found;
    if (avro_value_get_size(value, &found) != 0 || found != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        avro_value_get_by_index(value, i, &item, NULL);
        if (!value_agrees(field, items + i * o2c_field_item_bytes(field), &item, ret_field))
            return false;
    }
    return true;
}

static bool field_agrees(const struct o2c_field *field, const char *body,
                         const avro_value_t *value, const char **ret_field)
{
    avro_value_t branch = *value;
    const char *at = body + field->offset;
    if (avro_value_get_type(value) == AVRO_UNION) {
        int chosen = -1;
        avro_value_get_discriminant(value, &chosen);
        avro_value_get_current_branch(value, &branch);
        if (chosen != o2c_field_is_present(field, body))
            return false;
        if (!chosen)
            return true;
    }
    if (field->optional && field->kind == O2C_KIND_RECORD && !field->array)
        at = *(const char *const *)at;
    return field->array ? array_agrees(field, body, &branch, ret_field)
                        : value_agrees(field, at, &branch, ret_field);
}

static bool record_agrees(const struct o2c_record *record, const char *body,
                          const avro_value_t *value, const char **ret_field)
{
    size_t count = 0;
    avro_value_get_size(value, &count);
    for (size_t i = 0; i < count; i++) {
        avro_value_t part;
        const char *name;
        *ret_field = "a field that Avro cannot read";
        if (avro_value_get_by_index(value, i, &part, &name) != 0)
            return false;
        const struct o2c_field *field = o2c_record_field(record, o2c_str_from(name));
        *ret_field = field ? field->name : "a field that the struct lacks";
        if (!field || !field_agrees(field, body, &part, ret_field))
            return false;
    }
    return true;
}

bool oracle_agrees(struct oracle *oracle, struct o2c_str bytes,
                   const struct o2c_event *event, const char **ret_field)
{
    int32_t id;
    struct o2c_str body;
    struct o2c_err err;
    *ret_field = "frame";
    if (o2c_frame_read(bytes, &id, &body, &err) || id < 1 || id > oracle_id_count(oracle))
        return false;
    avro_value_t value;
    avro_generic_value_new(oracle->versions[id - 1].iface, &value);
    avro_reader_t reader = avro_reader_memory(body.at, (int64_t)body.len);
    *ret_field = "Avro C refuses the bytes";
    bool agrees = avro_value_read(reader, &value) == 0;
    char more;
    if (agrees && avro_read(reader, &more, 1) == 0) {
        *ret_field = "Avro C leaves bytes over";
        agrees = false;
    }
    if (agrees)
        agrees = record_agrees(o2c_event_type_row(event->type)->record, event->body, &value,
                               ret_field);
    avro_reader_free(reader);
    avro_value_decref(&value);
    return agrees;
}
