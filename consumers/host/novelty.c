#include "consumers/host/novelty.h"

#include <stdio.h>

#include "consumers/host/consumer.h"
#include "consumers/host/effects.h"
#include "runtime/base/arena.h"
#include "schemas/wire/content.h"

#include "runtime/base/banned.h"

enum {
    KEY_MAX_BYTES = 320
};

struct o2c_str o2c_kept_content(const struct o2c_event *event,
                                const struct o2c_moment *moment)
{
    struct o2c_content content;
    struct o2c_str copy = O2C_STR("");

    o2c_content_of(event, &content);
    (void)o2c_arena_copy(moment->arena, o2c_content_bytes(&content), &copy);
    return copy;
}

void o2c_tell_known(struct o2c_effects *effects, const struct o2c_event *event,
                    struct o2c_str now, struct o2c_str before, int64_t first_seen_us,
                    struct o2c_str natural_key)
{
#ifdef O2C_MUTANT_CONFLICT_IS_REPEAT
    now = before;
#endif
    if (o2c_content_same(before, now))
        o2c_effects_repeat(effects);
    else
        o2c_effects_conflict(effects, event, natural_key, before, first_seen_us);
}

bool o2c_is_new(struct o2c_effects *effects, const struct o2c_event *event,
                struct o2c_str now, struct o2c_str before, int64_t first_seen_us,
                const char *kind, struct o2c_str id)
{
    char key[KEY_MAX_BYTES];
    int len;

    if (!before.at)
        return true;
    len = snprintf(key, sizeof key, "%s/%.*s", kind, (int)(id.len < 256 ? id.len : 256),
                   id.at);
    o2c_tell_known(effects, event, now, before, first_seen_us,
                   (struct o2c_str){key, (size_t)len});
    return false;
}
