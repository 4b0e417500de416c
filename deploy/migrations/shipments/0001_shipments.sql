-- The consumer `shipments`: consumers/shipments/rows.h says what the columns mean.
CREATE TABLE shipments.shipment (
    account_id       text NOT NULL,
    shipment_id      text NOT NULL,
    order_id         text NOT NULL,
    customer_id      text,
    told_by          integer NOT NULL,       -- 3 dispatch, 2 delivery, 1 return
    told_by_return   text,
    order_known      boolean NOT NULL,
    state            text NOT NULL,
    moved_state      text NOT NULL,
    dispatched_at    timestamptz,
    delivered_at     timestamptz,
    carrier          text,
    tracking         text,
    proof            text,
    refused_lines    integer[],
    dispatch_content bytea,
    delivery_content bytea,
    dispatch_seen    timestamptz NOT NULL,
    delivery_seen    timestamptz NOT NULL,
    first_seen       timestamptz NOT NULL,
    PRIMARY KEY (account_id, shipment_id)
) WITH (fillfactor = 50);
-- Partial, so that no statement by key takes it for its account_id: see decisions/0001.
CREATE INDEX shipment_by_order ON shipments.shipment (account_id, order_id)
    WHERE order_id IS NOT NULL;
CREATE TYPE shipments.shipment_row AS (
    account_id text, shipment_id text, order_id text, customer_id text, told_by integer,
    told_by_return text, order_known boolean, state text, moved_state text,
    dispatched_at timestamptz, delivered_at timestamptz, carrier text, tracking text,
    proof text, refused_lines integer[], dispatch_content bytea, delivery_content bytea,
    dispatch_seen timestamptz, delivery_seen timestamptz, first_seen timestamptz);

CREATE TABLE shipments.shipment_line (
    account_id       text NOT NULL,
    shipment_id      text NOT NULL,
    line_no          integer NOT NULL,
    sku              text,
    dispatched_milli bigint NOT NULL,
    returned_milli   bigint NOT NULL,
    PRIMARY KEY (account_id, shipment_id, line_no)
) WITH (fillfactor = 50);
CREATE TYPE shipments.shipment_line_row AS (
    account_id text, shipment_id text, line_no integer, sku text, dispatched_milli bigint,
    returned_milli bigint);

CREATE TABLE shipments.shipment_return (
    account_id  text NOT NULL,
    return_id   text NOT NULL,
    shipment_id text NOT NULL,
    reason_code text,
    returned_at timestamptz NOT NULL,
    content     bytea NOT NULL,
    first_seen  timestamptz NOT NULL,
    PRIMARY KEY (account_id, return_id)
);
CREATE TYPE shipments.shipment_return_row AS (
    account_id text, return_id text, shipment_id text, reason_code text,
    returned_at timestamptz, content bytea, first_seen timestamptz);

CREATE TABLE shipments.known_order (
    account_id text NOT NULL,
    order_id   text NOT NULL,
    first_seen timestamptz NOT NULL,
    PRIMARY KEY (account_id, order_id)
);
CREATE TYPE shipments.known_order_row AS (
    account_id text, order_id text, first_seen timestamptz);

INSERT INTO o2c.consumer_topic VALUES
    ('shipments', 'o2c.orders', 'in'),
    ('shipments', 'o2c.shipments', 'in'),
    ('shipments', 'o2c.conflicts', 'out'),
    ('shipments', 'o2c.parked.shipments', 'out');

CREATE VIEW o2c.shipment AS
SELECT shipment_id, order_id, customer_id, state, dispatched_at, delivered_at, account_id,
       carrier, tracking
  FROM shipments.shipment;

CREATE VIEW shipments.waiting AS
SELECT 'shipments'::text AS consumer, account_id, 'shipment'::text AS kind,
       shipment_id AS document,
       CASE WHEN NOT order_known THEN 'OrderPlaced' ELSE 'ShipmentDispatched' END AS waits_for,
       first_seen AS since
  FROM shipments.shipment
 WHERE NOT order_known OR dispatch_content IS NULL;

-- What must add up whenever the pipeline is drained; each row a finding.
CREATE FUNCTION shipments.verify() RETURNS SETOF text LANGUAGE sql STABLE AS $$
SELECT format('shipment %s of account %s: order %s is %sknown, but the shipment says otherwise',
              s.shipment_id, s.account_id, s.order_id,
              CASE WHEN k.order_id IS NULL THEN 'not ' ELSE '' END)
  FROM shipments.shipment s
  LEFT JOIN shipments.known_order k USING (account_id, order_id)
 WHERE s.order_known <> (k.order_id IS NOT NULL)
 UNION ALL
SELECT format('shipment %s of account %s: state %s while its order is %s', shipment_id,
              account_id, state, CASE WHEN order_known THEN 'known' ELSE 'not known' END)
  FROM shipments.shipment
 WHERE (state = 'waiting_order') = order_known
 UNION ALL
SELECT format('shipment %s line %s of account %s: a quantity is negative', shipment_id, line_no,
              account_id)
  FROM shipments.shipment_line
 WHERE least(dispatched_milli, returned_milli) < 0
$$;
