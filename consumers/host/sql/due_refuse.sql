UPDATE :schema.due d
   SET refused = k.reason
  FROM unnest($1::integer[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[])
       AS k(partition, due_date, account_id, kind, item, reason)
 WHERE d.partition = k.partition AND d.due_date = k.due_date AND d.account_id = k.account_id
   AND d.kind = k.kind AND d.item = k.item
