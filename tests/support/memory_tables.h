/*
 * memory_tables.h - the tables of a consumer without a database: what a batch
 * wants is answered from rows kept in memory, and what it changed is kept.
 */
#ifndef O2C_TESTS_MEMORY_TABLES_H
#define O2C_TESTS_MEMORY_TABLES_H

#include <stdbool.h>
#include <stddef.h>

struct memory_tables;
struct o2c_consumer;
struct o2c_rows;
struct o2c_table;

struct memory_tables *memory_tables_new(const struct o2c_consumer *consumer);
void memory_tables_free(struct memory_tables *tables);

/* In place of o2c_rows_send_load and its answer, and of o2c_rows_send_store. */
bool memory_tables_load(struct memory_tables *tables, struct o2c_rows *rows);
void memory_tables_store(struct memory_tables *tables, struct o2c_rows *rows);

/* The kept rows of a table in key order (account first); NULL past the last one. */
const void *memory_tables_row(const struct memory_tables *tables,
                              const struct o2c_table *table, size_t i);
size_t memory_tables_count(const struct memory_tables *tables,
                           const struct o2c_table *table);

#endif
