-- The tables of the consumer `daybook`, after those of the engine.
CREATE TABLE daybook.page (account_id text PRIMARY KEY, held bigint NOT NULL);
CREATE TYPE daybook.page_row AS (account_id text, held bigint);

CREATE TABLE daybook.entry (
    account_id text NOT NULL,
    item       text NOT NULL,
    runs       text NOT NULL,
    PRIMARY KEY (account_id, item)
);
CREATE TYPE daybook.entry_row AS (account_id text, item text, runs text);

INSERT INTO o2c.consumer_topic VALUES
    ('daybook', 'o2c.customers', 'in'), ('daybook', 'o2c.order-status', 'in'),
    ('daybook', 'o2c.clock', 'in'), ('daybook', 'o2c.conflicts', 'out'),
    ('daybook', 'o2c.parked.daybook', 'out');

-- What a test asks for again and again.
CREATE VIEW daybook.done AS
SELECT coalesce(sum(applied), 0) AS applied, coalesce(sum(repeats), 0) AS repeats,
       coalesce(sum(set_aside), 0) AS set_aside, coalesce(sum(parked), 0) AS parked
  FROM daybook.position;
CREATE VIEW daybook.runs AS
SELECT coalesce(string_agg(account_id || '/' || item || ': ' || runs, ', ' ORDER BY item, account_id), '') AS runs
  FROM daybook.entry WHERE runs <> '';
