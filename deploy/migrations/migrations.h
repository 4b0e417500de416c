/* migrations.h - the SQL files of this folder, compiled in; o2c migrate applies them. */
#ifndef O2C_MIGRATIONS_MIGRATIONS_H
#define O2C_MIGRATIONS_MIGRATIONS_H

#include <stddef.h>

struct o2c_migration {
    const char *folder; /* "o2c", "host", "relay", or a consumer */
    int version;
    int compatible_from; /* the oldest programs it goes with: made for this version */
    const char *name;    /* "0001_registry" */
    const char *sql;
};

/* By folder, then version. */
extern const struct o2c_migration o2c_migrations[];
extern const size_t o2c_migration_count;

#endif
