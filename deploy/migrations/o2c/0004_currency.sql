-- How many decimals the minor unit of a currency has: what turns an amount_minor into what people
-- read. Filled by o2c migrate, each time it runs, from the one table that the programs use.
CREATE TABLE o2c.currency (
    currency text PRIMARY KEY,
    exponent smallint NOT NULL
);
