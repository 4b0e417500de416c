/*
 * postgres.h - a PostgreSQL of the test's own: a private cluster, started by
 * the first call of a test executable, reached through a socket in its own
 * folder under /tmp, removed when the executable ends (also when it is
 * killed).  As root the server runs as user postgres, as PostgreSQL demands.
 * Nothing is ever synced to disk.
 */
#ifndef O2C_TESTS_SUPPORT_POSTGRES_H
#define O2C_TESTS_SUPPORT_POSTGRES_H

#include <libpq-fe.h>

enum {
    TEST_DSN_BYTES = 256
};

/* The connection string of a new, empty database.  Fails the running test if there is none.
 */
void test_postgres_database(char ret_dsn[TEST_DSN_BYTES]);

/*
 * The connection string of a copy of a database, as restoring a dump of it
 * would make one.  Sessions on it have to end within some seconds.
 */
void test_postgres_copy(const char *dsn, char ret_dsn[TEST_DSN_BYTES]);

/* Connects, and fails the running test if that does not work. */
PGconn *test_postgres_connect(const char *dsn);

/* Runs SQL (several statements are fine); fails the running test on an error. */
void test_postgres_run(PGconn *conn, const char *sql);

/*
 * Runs a file of deploy/migrations ("o2c/0001_registry.sql"), or all files of a
 * folder in their order ("host"), with :schema and :consumer replaced by
 * `name`.  Returns how many there were: the version of a folder.
 */
int test_postgres_migrate(PGconn *conn, const char *path, const char *name);

/* Ends it without a checkpoint, as a crash would, and starts it again. */
void test_postgres_crash(void);
void test_postgres_restart(void);

#endif
