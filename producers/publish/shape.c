#include "producers/publish/shape.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

enum {
    MAX_PATH_BYTES = 4096,
    MAX_WHAT_BYTES = 4096,
    SHOWN_BYTES = 60,
};

struct check {
    const json_t *root; /* of the schema */
    o2c_shape_fault_fn *on_fault;
    void *user;
    struct o2c_buf path, what;
    bool good;
};

typedef void keyword_fn(struct check *check, const json_t *schema, const json_t *rule,
                        const json_t *value);

static void check_value(struct check *check, const json_t *schema, const json_t *value);

static void begin_fault(struct check *check)
{
    o2c_buf_reset(&check->what);
    check->good = false;
}

static void end_fault(struct check *check)
{
    check->on_fault(check->user, o2c_buf_text(&check->path), o2c_buf_text(&check->what));
}

static void add_value(struct check *check, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (text)
        o2c_buf_printf(&check->what, "%.*s%s", SHOWN_BYTES, text,
                       strlen(text) > SHOWN_BYTES ? "..." : "");
    free(text);
}

static size_t push_name(struct check *check, const char *name)
{
    size_t len = check->path.len;
    o2c_buf_printf(&check->path, "%s%s", len ? "." : "", name);
    return len;
}

static void pop(struct check *check, size_t len)
{
    check->path.len = len;
    check->path.failed = false;
}

static bool has_type(const json_t *value, const char *type)
{
    if (!strcmp(type, "object"))
        return json_is_object(value);
    if (!strcmp(type, "array"))
        return json_is_array(value);
    if (!strcmp(type, "string"))
        return json_is_string(value);
    if (!strcmp(type, "integer"))
        return json_is_integer(value);
    if (!strcmp(type, "boolean"))
        return json_is_boolean(value);
    assert(!strcmp(type, "null"));
    return json_is_null(value);
}

static const char *article(const char *type)
{
    return strchr("aeiou", *type) ? "an" : "a";
}

static void check_type(struct check *check, const json_t *schema, const json_t *rule,
                       const json_t *value)
{
    size_t count = json_is_array(rule) ? json_array_size(rule) : 1;
    (void)schema;
    for (size_t i = 0; i < count; i++)
        if (has_type(value, json_string_value(json_is_array(rule) ? json_array_get(rule, i)
                                                                  : rule)))
            return;
    begin_fault(check);
    add_value(check, value);
    for (size_t i = 0; i < count; i++) {
        const char *type =
            json_string_value(json_is_array(rule) ? json_array_get(rule, i) : rule);
        o2c_buf_printf(&check->what, "%s %s %s", i ? " or" : " is not", article(type),
                       type);
    }
    end_fault(check);
}

static void check_enum(struct check *check, const json_t *schema, const json_t *rule,
                       const json_t *value)
{
    (void)schema;
    for (size_t i = 0; i < json_array_size(rule); i++)
        if (json_equal(json_array_get(rule, i), value))
            return;
    begin_fault(check);
    add_value(check, value);
    for (size_t i = 0; i < json_array_size(rule); i++)
        o2c_buf_printf(&check->what, "%s%s", i ? ", " : " is none of ",
                       json_string_value(json_array_get(rule, i)));
    end_fault(check);
}

static void check_const(struct check *check, const json_t *schema, const json_t *rule,
                        const json_t *value)
{
    (void)schema;
    if (json_equal(rule, value))
        return;
    begin_fault(check);
    add_value(check, value);
    o2c_buf_add_text(&check->what, " is not ");
    add_value(check, rule);
    end_fault(check);
}

static void check_required(struct check *check, const json_t *schema, const json_t *rule,
                           const json_t *value)
{
    (void)schema;
    for (size_t i = 0; json_is_object(value) && i < json_array_size(rule); i++) {
        const char *name = json_string_value(json_array_get(rule, i));
        if (json_object_get(value, name))
            continue;
        begin_fault(check);
        o2c_buf_printf(&check->what, "%s is missing", name);
        end_fault(check);
    }
}

static void check_properties(struct check *check, const json_t *schema, const json_t *rule,
                             const json_t *value)
{
    const char *name;
    json_t *member;
    (void)schema;
    json_object_foreach((json_t *)(uintptr_t)rule, name, member)
    {
        const json_t *given = json_object_get(value, name);
        if (!given)
            continue;
        size_t len = push_name(check, name);
        check_value(check, member, given);
        pop(check, len);
    }
}

static void unknown_member(struct check *check, const json_t *known, const char *name)
{
    const char *other;
    json_t *ignored;
    bool first = true;
    begin_fault(check);
    o2c_buf_printf(&check->what, "\"%s\" is not known here (known:", name);
    json_object_foreach((json_t *)(uintptr_t)known, other, ignored)
    {
        o2c_buf_printf(&check->what, "%s %s", first ? "" : ",", other);
        first = false;
    }
    o2c_buf_add_text(&check->what, ")");
    end_fault(check);
}

static void check_additional(struct check *check, const json_t *schema, const json_t *rule,
                             const json_t *value)
{
    const json_t *known = json_object_get(schema, "properties");
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        if (json_object_get(known, name))
            continue;
        if (json_is_false(rule)) {
            unknown_member(check, known, name);
            continue;
        }
        size_t len = push_name(check, name);
        check_value(check, rule, member);
        pop(check, len);
    }
}

static void check_items(struct check *check, const json_t *schema, const json_t *rule,
                        const json_t *value)
{
    (void)schema;
    for (size_t i = 0; i < json_array_size(value); i++) {
        size_t len = check->path.len;
        o2c_buf_printf(&check->path, "[%zu]", i);
        check_value(check, rule, json_array_get(value, i));
        pop(check, len);
    }
}

static void bound(struct check *check, bool kept, const char *what)
{
    if (kept)
        return;
    begin_fault(check);
    o2c_buf_add_text(&check->what, what);
    end_fault(check);
}

static void check_min_items(struct check *check, const json_t *schema, const json_t *rule,
                            const json_t *value)
{
    (void)schema;
    bound(check,
          !json_is_array(value) ||
              json_array_size(value) >= (size_t)json_integer_value(rule),
          "is empty");
}

static void check_min_properties(struct check *check, const json_t *schema,
                                 const json_t *rule, const json_t *value)
{
    (void)schema;
    bound(check,
          !json_is_object(value) ||
              json_object_size(value) >= (size_t)json_integer_value(rule),
          "is empty");
}

static void check_min_length(struct check *check, const json_t *schema, const json_t *rule,
                             const json_t *value)
{
    (void)schema;
    bound(check,
          !json_is_string(value) ||
              json_string_length(value) >= (size_t)json_integer_value(rule),
          "\"\" is too short");
}

/* In bytes: the only texts with a maximum are single ASCII characters. */
static void check_max_length(struct check *check, const json_t *schema, const json_t *rule,
                             const json_t *value)
{
    (void)schema;
    if (!json_is_string(value) ||
        json_string_length(value) <= (size_t)json_integer_value(rule))
        return;
    begin_fault(check);
    add_value(check, value);
    o2c_buf_printf(&check->what, " is not a single ASCII character");
    end_fault(check);
}

/* Of objects; a member without `required` says which other type there is (check_type). */
static void check_one_of(struct check *check, const json_t *schema, const json_t *rule,
                         const json_t *value)
{
    int given = 0, told = 0;
    (void)schema;
    for (size_t i = 0; i < json_array_size(rule); i++) {
        const json_t *names = json_object_get(json_array_get(rule, i), "required");
        if (json_object_get(value, json_string_value(json_array_get(names, 0))))
            given++;
    }
    if (!json_is_object(value) || given == 1)
        return;
    begin_fault(check);
    o2c_buf_add_text(&check->what, "exactly one of");
    for (size_t i = 0; i < json_array_size(rule); i++) {
        const json_t *names = json_object_get(json_array_get(rule, i), "required");
        if (names)
            o2c_buf_printf(&check->what, "%s %s", told++ ? "," : "",
                           json_string_value(json_array_get(names, 0)));
    }
    o2c_buf_printf(&check->what, " must be given, not %s", given ? "several" : "none");
    end_fault(check);
}

static void check_ref(struct check *check, const json_t *schema, const json_t *rule,
                      const json_t *value)
{
    static const char prefix[] = "#/$defs/";
    const char *name = json_string_value(rule);
    (void)schema;
    assert(!strncmp(name, prefix, sizeof(prefix) - 1));
    const json_t *target =
        json_object_get(json_object_get(check->root, "$defs"), name + sizeof(prefix) - 1);
    assert(target);
    check_value(check, target, value);
}

static void check_nothing(struct check *check, const json_t *schema, const json_t *rule,
                          const json_t *value)
{
    (void)check;
    (void)schema;
    (void)rule;
    (void)value;
}

static const struct keyword {
    const char *name;
    keyword_fn *check;
} keywords[] = {
    {"$ref", check_ref},
    {"type", check_type},
    {"enum", check_enum},
    {"const", check_const},
    {"required", check_required},
    {"oneOf", check_one_of},
    {"properties", check_properties},
    {"additionalProperties", check_additional},
    {"items", check_items},
    {"minItems", check_min_items},
    {"minProperties", check_min_properties},
    {"minLength", check_min_length},
    {"maxLength", check_max_length},
    {"title", check_nothing},
    {"description", check_nothing},
    {"$schema", check_nothing},
    {"$defs", check_nothing},
};

static keyword_fn *keyword_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        if (!strcmp(keywords[i].name, name))
            return keywords[i].check;
    return NULL;
}

static void check_value(struct check *check, const json_t *schema, const json_t *value)
{
    const char *name;
    json_t *rule;
    json_object_foreach((json_t *)(uintptr_t)schema, name, rule)
    {
        keyword_fn *keyword = keyword_by_name(name);
        assert(keyword);
        keyword(check, schema, rule, value);
    }
}

bool o2c_shape_check(const json_t *schema, const json_t *document,
                     o2c_shape_fault_fn *on_fault, void *user)
{
    struct check check = {.root = schema, .on_fault = on_fault, .user = user, .good = true};
    o2c_buf_init(&check.path, MAX_PATH_BYTES);
    o2c_buf_init(&check.what, MAX_WHAT_BYTES);
    check_value(&check, schema, document);
    o2c_buf_clear(&check.path);
    o2c_buf_clear(&check.what);
    return check.good;
}
