/*
 * chart.h - the ledger accounts that journals name, for who posts and who shows
 * them (docs/rules/receivables.md, "Journals").
 */
#ifndef O2C_SCHEMAS_UNITS_CHART_H
#define O2C_SCHEMAS_UNITS_CHART_H

#define O2C_ACCOUNT_RECEIVABLE "receivable"
#define O2C_ACCOUNT_REVENUE "revenue"
#define O2C_ACCOUNT_OUTPUT_TAX "output_tax"
#define O2C_ACCOUNT_BANK "bank"
#define O2C_ACCOUNT_UNAPPLIED "unapplied"
#define O2C_ACCOUNT_DISCOUNT "discount"
#define O2C_ACCOUNT_DIFFERENCE "difference"
#define O2C_ACCOUNT_WRITE_OFF "write_off"
#define O2C_ACCOUNT_OPENING "opening"

/* All of them, in the order in which they are shown; items of an SQL list. */
#define O2C_CHART                                                                          \
    "'" O2C_ACCOUNT_RECEIVABLE "', '" O2C_ACCOUNT_REVENUE "', '" O2C_ACCOUNT_OUTPUT_TAX    \
    "', '" O2C_ACCOUNT_BANK "', '" O2C_ACCOUNT_UNAPPLIED "', '" O2C_ACCOUNT_DISCOUNT       \
    "', '" O2C_ACCOUNT_DIFFERENCE "', '" O2C_ACCOUNT_WRITE_OFF "', '" O2C_ACCOUNT_OPENING  \
    "'"

#endif
