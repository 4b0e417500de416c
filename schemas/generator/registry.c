#include "schemas/generator/registry.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/banned.h"

static const char *must_text(const char *file, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text || !*text)
        refuse(file, key, "missing, or no text");
    return text;
}

static int must_number(const char *file, const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    if (!json_is_integer(number) || json_integer_value(number) < 1 ||
        json_integer_value(number) > 1000000)
        refuse(file, key, "missing, or no number from 1");
    return (int)json_integer_value(number);
}

/* "o2c.order-status" lies in order_status. */
static const char *folder_of(const char *topic)
{
    char *folder = pool_printf("%s", strncmp(topic, "o2c.", 4) ? topic : topic + 4);
    for (char *at = folder; *at; at++)
        if (*at == '-' || *at == '.')
            *at = '_';
    return folder;
}

static const char *config_text(const json_t *config)
{
    const char *text = "", *name;
    json_t *value;
    json_object_foreach((json_t *)config, name, value)
    {
        if (!json_is_string(value))
            refuse("topics.json", name, "a setting must be a text");
        text = pool_printf("%s%s%s=%s", text, *text ? "," : "", name,
                           json_string_value(value));
    }
    return text;
}

static const char *one_of(const json_t *json, const char *key, const char *const *known)
{
    const char *text = must_text("topics.json", json, key);
    for (; *known; known++)
        if (!strcmp(text, *known))
            return text;
    refuse("topics.json", key, "\"%s\" is not known", text);
}

static void read_topic(const json_t *all, const json_t *json, struct topic *topic)
{
    static const char *const keys[] = {"account", "code", "bank_account",
                                       "entity",  "none", NULL};
    static const char *const places[] = {"hash", "every_partition", "source_partition",
                                         NULL};
    topic->name = must_text("topics.json", json, "name");
    topic->doc = must_text("topics.json", json, "doc");
    topic->key = one_of(json, "key", keys);
    topic->placement = one_of(json, "placement", places);
    topic->folder = folder_of(topic->name);
    const char *kind = must_text("topics.json", json, "kind");
    const json_t *config = json_object_get(json_object_get(all, "kinds"), kind);
    if (!config)
        refuse("topics.json", topic->name, "kind \"%s\" is not known", kind);
    topic->config = config_text(config);
    topic->partition_count = must_number(
        "topics.json", json_object_get(json, "partitions") ? json : all, "partitions");
    const json_t *pipeline = json_object_get(json, "pipeline_records");
    if (!json_is_boolean(pipeline))
        refuse("topics.json", topic->name, "\"pipeline_records\" must be true or false");
    topic->pipeline_records = json_is_true(pipeline);
}

static void read_topics(struct registry *registry)
{
    const json_t *all = pool_json(pool_printf("%s/topics.json", registry->folder));
    const json_t *list = json_object_get(all, "topics");
    registry->topic_count = json_array_size(list);
    registry->topics = pool_alloc(registry->topic_count * sizeof(*registry->topics));
    for (size_t i = 0; i < registry->topic_count; i++) {
        read_topic(all, json_array_get(list, i), &registry->topics[i]);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(registry->topics[k].name, registry->topics[i].name))
                refuse("topics.json", registry->topics[i].name, "the topic stands twice");
    }
}

static struct entry *read_ids(const char *path, size_t *ret_count)
{
    const json_t *list = pool_json(path);
    if (!json_is_array(list))
        refuse(path, NULL, "not a list");
    *ret_count = json_array_size(list);
    struct entry *entries = pool_alloc((*ret_count + 1) * sizeof(*entries));
    for (size_t i = 0; i < *ret_count; i++) {
        const json_t *json = json_array_get(list, i);
        entries[i] = (struct entry){.id = must_number(path, json, "id"),
                                    .version = must_number(path, json, "version"),
                                    .name = must_text(path, json, "name"),
                                    .file = must_text(path, json, "file"),
                                    .fingerprint = must_text(path, json, "fingerprint"),
                                    .content = must_text(path, json, "content")};
        if (entries[i].id != (int)i + 1)
            refuse(path, entries[i].name,
                   "id %d stands where %zu is due: ids are never"
                   " removed, changed or reused",
                   entries[i].id, i + 1);
    }
    return entries;
}

static const struct topic *topic_of(const struct registry *registry, const char *file,
                                    const struct record *root)
{
    for (size_t i = 0; i < registry->topic_count; i++) {
        const struct topic *topic = &registry->topics[i];
        size_t len = strlen(topic->folder);
        if (strncmp(file, topic->folder, len) != 0 || file[len] != '/')
            continue;
        if (strcmp(root->space, pool_printf("o2c.%s", topic->folder)) != 0)
            refuse(file, NULL, "its namespace must be o2c.%s", topic->folder);
        return topic;
    }
    refuse(file, NULL, "no topic of topics.json has this folder");
}

static void fill(struct entry *entry, const struct schema *schema)
{
    entry->schema = schema;
    entry->file = schema->file;
    entry->name = full_name(schema->root->space, schema->root->name);
    entry->fingerprint = fingerprint(schema_text(schema->root, false));
    entry->content = fingerprint(schema_text(schema->root, true));
}

/* The file must say what its line in ids.json says. */
static void read_entry(const struct registry *registry, struct entry *entry)
{
    struct entry found = {0};
    fill(&found, schema_read(registry->folder, entry->file));
    if (strcmp(found.name, entry->name) != 0)
        refuse(entry->file, NULL, "it describes %s, ids.json says %s", found.name,
               entry->name);
    if (strcmp(found.fingerprint, entry->fingerprint) != 0 ||
        strcmp(found.content, entry->content) != 0)
        refuse(
            entry->file, NULL,
            "it is not what id %d stands for (fingerprint %s, content %s): keep the old file"
            " as .v%d.avsc and give the new one an id",
            entry->id, found.fingerprint, found.content, entry->version);
    entry->schema = found.schema;
    topic_of(registry, entry->file, found.schema->root);
}

static struct event_type *find_type(struct registry *registry, const char *full)
{
    for (size_t i = 0; i < registry->type_count; i++)
        if (!strcmp(registry->types[i].full, full))
            return &registry->types[i];
    return NULL;
}

static void add_version(struct registry *registry, const struct entry *entry)
{
    struct event_type *type = find_type(registry, entry->name);
    if (entry->version != (type ? type->current->version + 1 : 1))
        refuse("ids.json", entry->name, "version %d does not follow", entry->version);
    if (!type) {
        type = &registry->types[registry->type_count++];
        type->full = entry->name;
        type->name = entry->schema->root->name;
        type->topic = topic_of(registry, entry->file, entry->schema->root);
    }
    type->current = entry;
}

static void check_file_name(struct registry *registry, const struct entry *entry)
{
    const struct event_type *type = find_type(registry, entry->name);
    const char *due = pool_printf("%s/%s.avsc", type->topic->folder, type->name);
    if (entry != type->current)
        due =
            pool_printf("%s/%s.v%d.avsc", type->topic->folder, type->name, entry->version);
    if (strcmp(due, entry->file) != 0)
        refuse("ids.json", entry->name, "version %d must lie in %s", entry->version, due);
}

static bool has_file(const struct registry *registry, const char *file)
{
    for (size_t i = 0; i < registry->entry_count; i++)
        if (!strcmp(registry->entries[i].file, file))
            return true;
    return false;
}

/* Calls with every .avsc below the folder, in the order of their names. */
static void each_file(struct registry *registry,
                      void (*call)(struct registry *registry, const char *file))
{
    glob_t found;
    if (glob(pool_printf("%s/*/*.avsc", registry->folder), 0, NULL, &found) != 0)
        refuse(registry->folder, NULL, "it has no schemas");
    for (size_t i = 0; i < found.gl_pathc; i++)
        call(registry, pool_printf("%s", found.gl_pathv[i] + strlen(registry->folder) + 1));
    globfree(&found);
}

static void must_have_file(struct registry *registry, const char *file)
{
    if (!has_file(registry, file))
        refuse(file, NULL, "it has no line in ids.json: run o2c-schemagen number");
}

static struct registry *open_folder(const char *folder)
{
    struct registry *registry = pool_alloc(sizeof(*registry));
    registry->folder = folder;
    read_topics(registry);
    registry->entries =
        read_ids(pool_printf("%s/ids.json", folder), &registry->entry_count);
    return registry;
}

struct registry *registry_read(const char *folder)
{
    struct registry *registry = open_folder(folder);
    registry->types = pool_alloc(registry->entry_count * sizeof(*registry->types));
    for (size_t i = 0; i < registry->entry_count; i++) {
        read_entry(registry, &registry->entries[i]);
        add_version(registry, &registry->entries[i]);
    }
    for (size_t i = 0; i < registry->entry_count; i++) {
        const struct entry *entry = &registry->entries[i];
        check_file_name(registry, entry);
        resolve_check(entry->file, entry->schema->root,
                      find_type(registry, entry->name)->current->schema->root);
    }
    each_file(registry, must_have_file);
    return registry;
}

void registry_check_history(const struct registry *registry, const char *older_ids)
{
    size_t count;
    const struct entry *older = read_ids(older_ids, &count);
    for (size_t i = 0; i < count; i++) {
        const struct entry *was = &older[i], *now = &registry->entries[i];
        if (i >= registry->entry_count)
            refuse("ids.json", was->name, "id %d was removed", was->id);
        if (strcmp(was->name, now->name) != 0 || was->version != now->version ||
            strcmp(was->fingerprint, now->fingerprint) != 0 ||
            strcmp(was->content, now->content) != 0)
            refuse("ids.json", was->name, "the line of id %d was changed", was->id);
    }
}

static bool describes(const struct registry *registry, const struct entry *entry,
                      const char *file)
{
    struct entry found = {0};
    glob_t there;
    int missing = glob(pool_printf("%s/%s", registry->folder, file), 0, NULL, &there);
    if (!missing)
        globfree(&there);
    if (missing)
        return false;
    fill(&found, schema_read(registry->folder, file));
    return !strcmp(found.name, entry->name) && !strcmp(found.content, entry->content);
}

/* The present file has gone on: this line's version must have been kept under its number.
 */
static void follow_file(const struct registry *registry, struct entry *entry)
{
    if (describes(registry, entry, entry->file))
        return;
    size_t stem = strlen(entry->file) - strlen(".avsc");
    const char *kept = pool_printf("%.*s.v%d.avsc", (int)stem, entry->file, entry->version);
    if (!describes(registry, entry, kept))
        refuse(entry->file, NULL, "it has changed, and %s does not keep version %d", kept,
               entry->version);
    entry->file = kept;
}

static void give_number(struct registry *registry, const char *file)
{
    if (has_file(registry, file))
        return;
    struct entry *entries =
        pool_grow(registry->entries, registry->entry_count * sizeof(*entries),
                  (registry->entry_count + 1) * sizeof(*entries));
    struct entry *added = &entries[registry->entry_count];
    fill(added, schema_read(registry->folder, file));
    added->id = (int)registry->entry_count + 1;
    added->version = 1;
    for (size_t i = 0; i < registry->entry_count; i++)
        if (!strcmp(entries[i].name, added->name))
            added->version = entries[i].version + 1;
    registry->entries = entries;
    registry->entry_count++;
}

void registry_number(const char *folder)
{
    struct registry *registry = open_folder(folder);
    for (size_t i = 0; i < registry->entry_count; i++)
        follow_file(registry, &registry->entries[i]);
    each_file(registry, give_number);
    const char *path = pool_printf("%s/ids.json", folder);
    FILE *out = fopen(path, "w");
    if (!out)
        refuse(path, NULL, "cannot be written");
    fputs("[\n", out);
    for (size_t i = 0; i < registry->entry_count; i++) {
        const struct entry *entry = &registry->entries[i];
        fprintf(out,
                "{\"id\": %d, \"name\": \"%s\", \"version\": %d, \"file\": \"%s\","
                " \"fingerprint\": \"%s\", \"content\": \"%s\"}%s\n",
                entry->id, entry->name, entry->version, entry->file, entry->fingerprint,
                entry->content, i + 1 < registry->entry_count ? "," : "");
    }
    fputs("]\n", out);
    if (fclose(out) != 0)
        refuse(path, NULL, "cannot be written");
}
