-- The consumer `orders`: consumers/orders/rows.h says what the columns mean.
CREATE TABLE orders.sales_order (
    account_id         text NOT NULL,
    order_id           text NOT NULL,
    content_revision   bigint NOT NULL,      -- 0: not placed yet
    revision           bigint NOT NULL,
    customer_id        text,
    company_id         text,
    currency           text,
    customer_reference text,
    placed_at          timestamptz NOT NULL,
    requested_date     date,
    net_minor          bigint,
    state              text NOT NULL,
    shipment_state     text NOT NULL,
    invoice_state      text NOT NULL,
    invoiced_minor     bigint NOT NULL,
    lump_sum_minor     bigint NOT NULL,
    not_invoiced_minor bigint NOT NULL,
    not_invoiced_since timestamptz,          -- NULL: nothing is shipped and not invoiced
    first_seen         timestamptz NOT NULL,
    PRIMARY KEY (account_id, order_id)
) WITH (fillfactor = 50);
CREATE TYPE orders.sales_order_row AS (
    account_id text, order_id text, content_revision bigint, revision bigint,
    customer_id text, company_id text, currency text, customer_reference text,
    placed_at timestamptz, requested_date date, net_minor bigint, state text,
    shipment_state text, invoice_state text, invoiced_minor bigint, lump_sum_minor bigint,
    not_invoiced_minor bigint, not_invoiced_since timestamptz, first_seen timestamptz);

CREATE TABLE orders.order_line (
    account_id       text NOT NULL,
    order_id         text NOT NULL,
    line_no          integer NOT NULL,
    in_content       boolean NOT NULL,
    cancelled        boolean NOT NULL,
    sku              text,
    ordered_milli    bigint NOT NULL,
    shipped_milli    bigint NOT NULL,
    returned_milli   bigint NOT NULL,
    invoiced_milli   bigint NOT NULL,
    unit_price_micro bigint,
    shipped_sku_min  text,
    shipped_sku_max  text,
    first_dispatched_at timestamptz,
    PRIMARY KEY (account_id, order_id, line_no)
) WITH (fillfactor = 50);
CREATE TYPE orders.order_line_row AS (
    account_id text, order_id text, line_no integer, in_content boolean, cancelled boolean,
    sku text, ordered_milli bigint, shipped_milli bigint, returned_milli bigint,
    invoiced_milli bigint, unit_price_micro bigint, shipped_sku_min text, shipped_sku_max text,
    first_dispatched_at timestamptz);

CREATE TABLE orders.order_revision (
    account_id text NOT NULL,
    order_id   text NOT NULL,
    revision   bigint NOT NULL,
    cancels    boolean NOT NULL,
    line_nos   integer[],                    -- of a cancellation; NULL: all
    content    bytea NOT NULL,
    first_seen timestamptz NOT NULL,
    PRIMARY KEY (account_id, order_id, revision)
);
CREATE TYPE orders.order_revision_row AS (
    account_id text, order_id text, revision bigint, cancels boolean, line_nos integer[],
    content bytea, first_seen timestamptz);

CREATE TABLE orders.movement (
    account_id  text NOT NULL,
    kind        text NOT NULL,               -- dispatched, returned
    movement_id text NOT NULL,               -- shipment_id, return_id
    content     bytea NOT NULL,
    first_seen  timestamptz NOT NULL,
    PRIMARY KEY (account_id, kind, movement_id)
);
CREATE TYPE orders.movement_row AS (
    account_id text, kind text, movement_id text, content bytea, first_seen timestamptz);

CREATE TABLE orders.invoice (
    account_id       text NOT NULL,
    invoice_id       text NOT NULL,
    order_id         text,                   -- NULL: cancelled, not issued yet
    currency         text,
    net_minor        bigint NOT NULL,
    line_nos         integer[],              -- of the order; empty: it counts by its amount
    quantities_milli bigint[],               -- one for each
    cancelled        boolean NOT NULL,
    PRIMARY KEY (account_id, invoice_id)
);
-- Partial, so that no statement by key takes it for its account_id: see decisions/0001.
CREATE INDEX invoice_by_order ON orders.invoice (account_id, order_id)
    WHERE order_id IS NOT NULL;
CREATE TYPE orders.invoice_row AS (
    account_id text, invoice_id text, order_id text, currency text, net_minor bigint,
    line_nos integer[], quantities_milli bigint[], cancelled boolean);

INSERT INTO o2c.consumer_topic VALUES
    ('orders', 'o2c.orders', 'in'),
    ('orders', 'o2c.shipments', 'in'),
    ('orders', 'o2c.invoices', 'in'),
    ('orders', 'o2c.order-status', 'out'),
    ('orders', 'o2c.state.order', 'out'),
    ('orders', 'o2c.conflicts', 'out'),
    ('orders', 'o2c.parked.orders', 'out');

CREATE VIEW o2c.order_status AS
SELECT order_id, customer_id, revision, state, shipment_state, invoice_state,
       '{}'::text[] AS hold_reasons, currency, net_minor, NULL::bigint AS gross_minor,
       placed_at, account_id, company_id, customer_reference, requested_date, invoiced_minor,
       not_invoiced_minor, not_invoiced_since
  FROM orders.sales_order
 WHERE content_revision > 0;

CREATE VIEW o2c.order_line AS
SELECT l.order_id, l.line_no, l.sku, l.ordered_milli, l.shipped_milli, l.returned_milli,
       CASE WHEN l.cancelled THEN greatest(0, l.ordered_milli - l.shipped_milli) ELSE 0 END
           AS cancelled_milli,
       l.invoiced_milli, l.unit_price_micro, l.in_content, l.account_id
  FROM orders.order_line l
  JOIN orders.sales_order o USING (account_id, order_id)
 WHERE o.content_revision > 0;

CREATE VIEW orders.waiting AS
SELECT 'orders'::text AS consumer, account_id, 'order'::text AS kind, order_id AS document,
       'OrderPlaced'::text AS waits_for, first_seen AS since
  FROM orders.sales_order
 WHERE content_revision = 0;

-- Where orders stand; part of o2c.flow. Net of the whole order, but of what is shipped and not invoiced
-- the value of just that, since the first dispatch of a line that is not wholly invoiced.
CREATE TABLE orders.flow_limit (
    stage text PRIMARY KEY,
    days  integer NOT NULL                   -- longer in the stage is stuck
);
INSERT INTO orders.flow_limit VALUES
    ('placed', 2),
    ('to_ship', 14),
    ('shipped_not_invoiced', 7);

CREATE VIEW orders.flow AS
WITH item AS (
    SELECT 'placed' AS stage, currency, net_minor AS amount_minor, placed_at AS since
      FROM orders.sales_order
     WHERE content_revision > 0 AND state = 'received'
     UNION ALL
    SELECT 'to_ship', currency, net_minor, placed_at
      FROM orders.sales_order
     WHERE content_revision > 0 AND shipment_state IN ('waiting', 'part_shipped')
     UNION ALL
    SELECT 'shipped_not_invoiced', currency, not_invoiced_minor, not_invoiced_since
      FROM orders.sales_order
     WHERE not_invoiced_since IS NOT NULL
)
SELECT stage, count(*) AS documents, sum(amount_minor)::bigint AS amount_minor,
       min(since) AS oldest_since,
       count(*) FILTER (WHERE since < now() - make_interval(days => days)) AS stuck, currency
  FROM item JOIN orders.flow_limit USING (stage)
 GROUP BY stage, currency;

-- What must add up whenever the pipeline is drained; each row a finding.
CREATE FUNCTION orders.verify() RETURNS SETOF text LANGUAGE sql STABLE AS $$
SELECT format('order %s of account %s: content revision %s is not among its revisions',
              o.order_id, o.account_id, o.content_revision)
  FROM orders.sales_order o
 WHERE o.content_revision > 0
   AND NOT EXISTS (SELECT 1 FROM orders.order_revision r
                    WHERE r.account_id = o.account_id AND r.order_id = o.order_id
                      AND r.revision = o.content_revision AND NOT r.cancels)
 UNION ALL
SELECT format('order %s line %s of account %s: a quantity is negative', order_id, line_no, account_id)
  FROM orders.order_line
 WHERE least(ordered_milli, shipped_milli, returned_milli) < 0
 UNION ALL
SELECT format('order %s line %s of account %s: %s invoiced, its invoices say %s', order_id, line_no,
              account_id, coalesce(l.invoiced_milli, 0), coalesce(i.milli, 0))
  FROM (SELECT l.account_id, l.order_id, l.line_no, l.invoiced_milli
          FROM orders.order_line l
         WHERE l.invoiced_milli <> 0) l
  FULL JOIN (SELECT i.account_id, i.order_id, q.line_no, sum(q.milli)::bigint AS milli
               FROM orders.invoice i
               JOIN orders.sales_order o USING (account_id, order_id),
                    unnest(i.line_nos, i.quantities_milli) q(line_no, milli)
              WHERE NOT i.cancelled AND o.content_revision > 0
              GROUP BY 1, 2, 3) i USING (account_id, order_id, line_no)
 WHERE coalesce(l.invoiced_milli, 0) <> coalesce(i.milli, 0)
 UNION ALL
SELECT format('order %s of account %s: %s invoiced, its invoices in %s say %s', o.order_id,
              o.account_id, o.invoiced_minor, o.currency, coalesce(sum(i.net_minor), 0))
  FROM orders.sales_order o
  LEFT JOIN orders.invoice i
    ON i.account_id = o.account_id AND i.order_id = o.order_id AND NOT i.cancelled
       AND i.currency = o.currency
 WHERE o.content_revision > 0
 GROUP BY o.account_id, o.order_id
HAVING o.invoiced_minor <> coalesce(sum(i.net_minor), 0)
$$;
