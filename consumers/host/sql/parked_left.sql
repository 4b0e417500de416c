-- What became of parked records that were tried again: applied or dropped, or parked anew.
UPDATE :schema.parked k
   SET state = r.state, reason = r.reason,
       left_at = CASE WHEN r.state IN ('released', 'discarded') THEN clock_timestamp() END
  FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::text[]) AS r(partition, no, state, reason)
 WHERE k.partition = r.partition AND k.parked_no = r.no
