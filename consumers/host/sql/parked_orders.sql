-- One that has begun already goes on as a release: its first record has been dealt with.
SELECT order_no, partition, account_id, CASE WHEN outcome IS NULL THEN action ELSE 'release' END
  FROM :schema.parked_order
 WHERE done_at IS NULL AND partition = ANY ($1::integer[])
 ORDER BY order_no
 LIMIT 1
