SELECT batch_seq, next_offsets::text, outbox_no, parked, unparked,
       business_date, cursor_date, cursor_account, cursor_kind, cursor_item
  FROM :schema.replay
 WHERE partition = $1::integer AND batch_seq > $2::bigint
 ORDER BY batch_seq
 LIMIT 500
