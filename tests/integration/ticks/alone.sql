-- What o2c migrate and o2c topics create leave in a database.
CREATE TABLE o2c.migration (schema text, folder text, version integer);
INSERT INTO o2c.migration VALUES ('daybook', 'daybook', 1);
INSERT INTO daybook.first_offset
SELECT t, p, 0
  FROM unnest(ARRAY['o2c.customers', 'o2c.order-status', 'o2c.clock']) t, generate_series(0, 3) p;
