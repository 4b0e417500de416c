SELECT order_no, partition, account_id, action
  FROM :schema.parked_order
 WHERE done_at IS NULL AND partition = ANY ($1::integer[])
 ORDER BY order_no
 LIMIT 1
