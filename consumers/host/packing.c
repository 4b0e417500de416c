/*
 * The recorded order is kept for ever, so its old rows are packed: a stretch
 * of batches of one partition at a time, in a transaction of its own behind
 * the same fence as a batch.  It goes behind the store under way, and is done
 * in some milliseconds; what is left of a backlog waits for idle moments.
 */
#include "consumers/host/engine.h"

#include "runtime/base/failpoint.h"
#include "runtime/base/log.h"
#include "runtime/pg/pg.h"

#include "runtime/base/banned.h"

enum {
    PACK_AFTER = 100 /* rows of progress; a stretch has 200: packing keeps ahead */
};

static bool idle(const struct engine *engine)
{
    return !engine->current && !engine->next->record_count;
}

static void on_rows(void *user, const PGresult *result)
{
    struct engine *engine = user;

    engine->packing.took = o2c_pg_get_int4(result, 0, 0);
}

static void on_packed(void *user, enum o2c_verdict verdict, bool lost,
                      const struct o2c_err *err)
{
    struct engine *engine = user;

    engine->packing.open = false;
    if (lost)
        return;
    if (verdict)
        o2c_log_warn("old batches not packed, will try again", O2C_S("error", err->text));
    else if (engine->packing.took && idle(engine))
        packing_soon(engine);
    engine_step(engine);
}

static void add_claimed(struct engine *engine)
{
    struct o2c_pg_array array;

#define CLAIMED(oid, add)                                                                  \
    do {                                                                                   \
        o2c_pg_array_begin(&array, &engine->params, oid);                                  \
        for (struct unit *unit = engine->unit;                                             \
             unit < engine->unit + engine->partition_count; unit++)                        \
            if (unit->claimed)                                                             \
                add;                                                                       \
        o2c_pg_array_end(&array);                                                          \
    } while (0)
    CLAIMED(O2C_OID_INT4, o2c_pg_array_int4(&array, unit->partition));
    CLAIMED(O2C_OID_INT8, o2c_pg_array_int8(&array, unit->epoch));
#undef CLAIMED
}

void packing_step(struct engine *engine)
{
    if (engine->packing.open || engine->packing.stored < PACK_AFTER)
        return;
    O2C_FAILPOINT("pack.before");
    engine->packing.open = true;
    engine->packing.stored = engine->packing.took = 0;
    o2c_pg_params_reset(&engine->params);
    add_claimed(engine);
    o2c_pg_send(engine->pg, "pack_order", &engine->params, on_rows, engine);
    o2c_pg_sync(engine->pg, on_packed, engine);
}

void packing_soon(struct engine *engine)
{
    engine->packing.stored = PACK_AFTER;
}

void packing_stored(struct engine *engine)
{
    engine->packing.stored++;
}
