-- The tables of the consumer `probe`, and what o2c migrate notes about a migration.
CREATE TABLE probe.trail (
    account_id text PRIMARY KEY,
    events     bigint NOT NULL,
    orders     text NOT NULL CHECK (orders NOT LIKE '%unstorable%')
);
CREATE TYPE probe.trail_row AS (account_id text, events bigint, orders text);
CREATE TABLE probe.pardon (account_id text PRIMARY KEY);
CREATE TYPE probe.pardon_row AS (account_id text);

CREATE TABLE o2c.migration (schema text, folder text, version integer, compatible_from integer);
INSERT INTO o2c.migration VALUES ('probe', 'probe', 1);
INSERT INTO o2c.consumer_topic VALUES ('probe', 'o2c.orders', 'in'), ('probe', 'o2c.order-status', 'in'),
    ('probe', 'o2c.parked.orders', 'in'),
    ('probe', 'o2c.conflicts', 'out'), ('probe', 'o2c.parked.probe', 'out');
INSERT INTO probe.first_offset
SELECT topic, p, 0 FROM o2c.consumer_topic, generate_series(0, 3) p WHERE direction = 'in';

-- What a test asks for again and again.
CREATE VIEW probe.done AS
SELECT coalesce(sum(applied), 0) AS applied, coalesce(sum(repeats), 0) AS repeats,
       coalesce(sum(parked), 0) AS parked, coalesce(sum(unparked), 0) AS unparked,
       coalesce(sum(set_aside), 0) AS set_aside, coalesce(sum(skipped), 0) AS skipped,
       coalesce(sum(markers), 0) AS markers
  FROM probe.position;
