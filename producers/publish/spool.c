#include "producers/publish/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producers/publish/outgoing.h"
#include "producers/publish/unnamed.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

struct entry {
    enum o2c_event_type type; /* NONE: a barrier */
    uint32_t key_len, value_len, id_len, source_len, time_len, place_len;
    uint64_t line;
    int64_t day;
};

struct place {
    int64_t day;
    uint64_t number;
    off_t at;
};

struct o2c_spool {
    FILE *file;
    bool sorted;
    uint64_t count, next;
    off_t end;
    struct place *places; /* only when sorted */
    size_t place_cap;
    char *bytes;
    size_t byte_cap;
};

enum o2c_verdict o2c_spool_open(struct o2c_spool **ret_spool, bool sorted,
                                struct o2c_err *err)
{
    struct o2c_spool *spool = calloc(1, sizeof(*spool));
    int fd;
    if (!spool)
        return o2c_fail(err, O2C_FATAL, "no memory");
    if (o2c_unnamed_open(&fd, err)) {
        free(spool);
        return err->verdict;
    }
    spool->file = fdopen(fd, "w+");
    if (!spool->file) {
        (void)close(fd);
        free(spool);
        return o2c_fail(err, O2C_FATAL, "no memory");
    }
    spool->sorted = sorted;
    *ret_spool = spool;
    return O2C_OK;
}

void o2c_spool_close(struct o2c_spool *spool)
{
    if (!spool)
        return;
    (void)fclose(spool->file);
    free(spool->places);
    free(spool->bytes);
    free(spool);
}

static enum o2c_verdict failed(struct o2c_err *err)
{
    return o2c_fail(err, O2C_FATAL, "the temporary file: %s", strerror(errno));
}

static bool remember(struct o2c_spool *spool, int64_t day)
{
    if (spool->count == spool->place_cap) {
        size_t cap = spool->place_cap ? spool->place_cap * 2 : 1024;
        struct place *places = realloc(spool->places, cap * sizeof(*places));
        if (!places)
            return false;
        spool->places = places;
        spool->place_cap = cap;
    }
    spool->places[spool->count] = (struct place){day, spool->count, spool->end};
    return true;
}

static bool write_part(struct o2c_spool *spool, struct o2c_str part)
{
    return !part.len || fwrite(part.at, part.len, 1, spool->file) == 1;
}

static enum o2c_verdict write_entry(struct o2c_spool *spool, const struct entry *entry,
                                    const struct o2c_outgoing *out, struct o2c_err *err)
{
    if (spool->sorted && !remember(spool, entry->day))
        return o2c_fail(err, O2C_FATAL, "no memory to sort the events");
    if (fwrite(entry, sizeof(*entry), 1, spool->file) != 1 ||
        !write_part(spool, out->key) || !write_part(spool, out->value) ||
        !write_part(spool, out->id) || !write_part(spool, out->source) ||
        !write_part(spool, out->time) || !write_part(spool, out->place))
        return failed(err);
    spool->count++;
    spool->end += (off_t)(sizeof(*entry) + o2c_outgoing_bytes(out));
    return O2C_OK;
}

enum o2c_verdict o2c_spool_add(struct o2c_spool *spool, const struct o2c_outgoing *out,
                               int64_t day, struct o2c_err *err)
{
    struct entry entry = {
        .type = out->type->type,
        .key_len = (uint32_t)out->key.len,
        .value_len = (uint32_t)out->value.len,
        .id_len = (uint32_t)out->id.len,
        .source_len = (uint32_t)out->source.len,
        .time_len = (uint32_t)out->time.len,
        .place_len = (uint32_t)out->place.len,
        .line = out->line,
        .day = day,
    };
    return write_entry(spool, &entry, out, err);
}

enum o2c_verdict o2c_spool_add_barrier(struct o2c_spool *spool, uint64_t line,
                                       struct o2c_err *err)
{
    struct entry entry = {.type = O2C_EVENT_NONE, .line = line};
    return write_entry(spool, &entry, &(struct o2c_outgoing){.line = line}, err);
}

static int by_day(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

enum o2c_verdict o2c_spool_turn(struct o2c_spool *spool, struct o2c_err *err)
{
    if (fflush(spool->file) || fseeko(spool->file, 0, SEEK_SET))
        return failed(err);
    if (spool->sorted && spool->count)
        qsort(spool->places, spool->count, sizeof(*spool->places), by_day);
    return O2C_OK;
}

static bool read_bytes(struct o2c_spool *spool, size_t len)
{
    if (len > spool->byte_cap) {
        char *bytes = realloc(spool->bytes, len);
        if (!bytes)
            return false;
        spool->bytes = bytes;
        spool->byte_cap = len;
    }
    return !len || fread(spool->bytes, len, 1, spool->file) == 1;
}

static struct o2c_str cut(const char **at, uint32_t len)
{
    struct o2c_str part = {*at, len};
    *at += len;
    return part;
}

enum o2c_verdict o2c_spool_next(struct o2c_spool *spool, struct o2c_outgoing *ret_outgoing,
                                int64_t *ret_day, bool *ret_more, struct o2c_err *err)
{
    struct entry entry;
    *ret_more = spool->next < spool->count;
    if (!*ret_more)
        return O2C_OK;
    if (spool->sorted && fseeko(spool->file, spool->places[spool->next].at, SEEK_SET))
        return failed(err);
    spool->next++;
    if (fread(&entry, sizeof(entry), 1, spool->file) != 1 ||
        !read_bytes(spool, (size_t)entry.key_len + entry.value_len + entry.id_len +
                               entry.source_len + entry.time_len + entry.place_len))
        return failed(err);
    const char *at = spool->bytes;
    ret_outgoing->type = o2c_event_type_row(entry.type);
    ret_outgoing->line = entry.line;
    ret_outgoing->placed = false;
    ret_outgoing->key = cut(&at, entry.key_len);
    ret_outgoing->value = cut(&at, entry.value_len);
    ret_outgoing->id = cut(&at, entry.id_len);
    ret_outgoing->source = cut(&at, entry.source_len);
    ret_outgoing->time = cut(&at, entry.time_len);
    ret_outgoing->place = cut(&at, entry.place_len);
    *ret_day = entry.day;
    return O2C_OK;
}

uint64_t o2c_spool_count(const struct o2c_spool *spool)
{
    return spool->count;
}
