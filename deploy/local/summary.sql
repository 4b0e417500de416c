-- What run-local shows at the end: documents per state, amounts per currency, what waits.
-- psql -XAt prints the lines as they stand.

CREATE FUNCTION pg_temp.amount(minor numeric, of_currency text) RETURNS text LANGUAGE sql AS $$
    SELECT to_char(minor / 10::numeric ^ decimals,
                   'FM999,999,999,999,990' || CASE decimals WHEN 0 THEN ''
                                                            ELSE '.' || repeat('0', decimals) END)
           || ' ' || of_currency
      FROM (SELECT coalesce((SELECT exponent FROM o2c.currency WHERE currency = of_currency),
                            0)::integer AS decimals) c
$$;

CREATE FUNCTION pg_temp.line(title text, documents bigint, further text) RETURNS text
    LANGUAGE sql AS $$
    SELECT rtrim(format('    %s %s   %s', rpad(title, 22),
                        lpad(to_char(documents, 'FM999,999,990'), 9), coalesce(further, '')))
$$;

-- Exactly, with the decimals that it has.
CREATE FUNCTION pg_temp.quantity(milli numeric) RETURNS text LANGUAGE sql AS $$
    SELECT rtrim(to_char(milli / 1000, 'FM999,999,999,999,990.999'), '.')
$$;

CREATE TEMP VIEW document AS
SELECT 'order' AS kind, state, currency, net_minor AS minor FROM o2c.order_status
 UNION ALL
SELECT 'invoice', state, currency, open_minor FROM o2c.invoice WHERE kind = 'invoice'
 UNION ALL
SELECT 'payment', state, currency, amount_minor FROM o2c.payment;

-- A line per state, a column per currency, the most used first; the last line is all of them.
CREATE FUNCTION pg_temp.states(of_kind text, states text[]) RETURNS SETOF text LANGUAGE sql AS $$
WITH cell AS (
    SELECT state, currency, count(*) AS documents,
           coalesce(pg_temp.amount(sum(minor), currency), '') AS amount
      FROM pg_temp.document WHERE kind = of_kind
     GROUP BY GROUPING SETS ((state, currency), (currency))
), col AS (
    SELECT currency, max(length(amount)) AS width,
           row_number() OVER (ORDER BY max(documents) DESC, currency) AS place
      FROM cell GROUP BY currency
), state AS (
    SELECT state, sum(documents)::bigint AS documents FROM cell GROUP BY state
)
SELECT pg_temp.line(coalesce(replace(s.state, '_', ' '), 'all'), s.documents,
                    string_agg(lpad(coalesce(c.amount, ''), col.width), '   ' ORDER BY place))
  FROM state s CROSS JOIN col
  LEFT JOIN cell c ON c.state IS NOT DISTINCT FROM s.state AND c.currency = col.currency
 GROUP BY s.state, s.documents
 ORDER BY array_position(states, s.state) NULLS LAST
$$;

SELECT E'\n  Orders                   documents   net amount' FROM pg_temp.document
 WHERE kind = 'order' LIMIT 1;
SELECT pg_temp.states('order', ARRAY['received', 'held', 'acknowledged', 'rejected',
                                     'processing', 'done', 'cancelled']);

SELECT E'\n  Delivery of orders' FROM o2c.order_status LIMIT 1;
SELECT pg_temp.line(replace(shipment_state, '_', ' '), count(*), NULL)
  FROM o2c.order_status
 GROUP BY shipment_state
 ORDER BY array_position(ARRAY['none', 'waiting', 'part_shipped', 'shipped', 'exception'],
                         shipment_state);

SELECT E'\n  Shipments' FROM o2c.shipment LIMIT 1;
SELECT pg_temp.line(replace(state, '_', ' '), count(*), NULL)
  FROM o2c.shipment
 GROUP BY state
 ORDER BY array_position(ARRAY['waiting_order', 'dispatched', 'delivered', 'part_returned',
                               'returned'], state);

SELECT E'\n  Invoices                             open amount' FROM pg_temp.document
 WHERE kind = 'invoice' LIMIT 1;
SELECT pg_temp.states('invoice', ARRAY['open', 'part_paid', 'paid', 'written_off', 'cancelled']);

SELECT E'\n  Payments                             amount' FROM pg_temp.document
 WHERE kind = 'payment' LIMIT 1;
SELECT pg_temp.states('payment', ARRAY['unapplied', 'part_applied', 'applied', 'refunded',
                                       'reversed']);

SELECT '';
SELECT '  Order lines              ' || to_char(count(*), 'FM999,999,990') || ': ' ||
       concat_ws(', ', pg_temp.quantity(sum(ordered_milli)) || ' ordered',
                 pg_temp.quantity(sum(shipped_milli)) || ' shipped',
                 pg_temp.quantity(sum(cancelled_milli)) || ' cancelled',
                 pg_temp.quantity(sum(returned_milli)) || ' returned')
  FROM o2c.order_line
HAVING count(*) > 0;
SELECT '  Waiting                  ' || coalesce(string_agg(
           documents || ' ' || kind || CASE documents WHEN 1 THEN ' waits' ELSE 's wait' END ||
           ' for ' || waits_for, ', '), 'nothing')
  FROM (SELECT kind, waits_for, count(*) AS documents FROM o2c.waiting GROUP BY 1, 2) w;
SELECT '  Parked                   ' || CASE sum(parked) WHEN 0 THEN 'nothing'
           ELSE sum(parked) || ' events; deploy/run-local o2c parked list' END
  FROM o2c.consumer_progress;
