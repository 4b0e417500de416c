-- The tables of the job last_wins: schema last_wins for the consumer (after
-- deploy/migrations/host), schema bare for the loop it is compared with.
CREATE TABLE last_wins.order_state (
    account_id     text NOT NULL,
    order_id       text NOT NULL,
    customer_id    text NOT NULL,
    state          text NOT NULL,
    shipment_state text NOT NULL,
    invoice_state  text NOT NULL,
    changed_at     timestamptz NOT NULL,
    PRIMARY KEY (account_id, order_id)
) WITH (fillfactor = 50);
CREATE TYPE last_wins.order_state_row AS (
    account_id text, order_id text, customer_id text, state text, shipment_state text,
    invoice_state text, changed_at timestamptz);
INSERT INTO o2c.consumer_topic VALUES ('last_wins', 'o2c.order-status', 'in');

CREATE SCHEMA bare;
CREATE TABLE bare.order_state (LIKE last_wins.order_state INCLUDING INDEXES)
    WITH (fillfactor = 50);
CREATE TYPE bare.order_state_row AS (
    account_id text, order_id text, customer_id text, state text, shipment_state text,
    invoice_state text, changed_at timestamptz);
CREATE TABLE bare.next_offset (partition integer PRIMARY KEY, next_offset bigint NOT NULL);
