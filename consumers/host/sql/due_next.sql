-- What a tick has to run next: at most so many items of all partitions whose tick is ripe,
-- behind the one that each of them ran last.
SELECT u.partition, d.due_date, d.account_id, d.kind, d.item
  FROM unnest($1::integer[], $2::date[], $3::date[], $4::text[], $5::text[], $6::text[])
       AS u(partition, day, cursor_date, cursor_account, cursor_kind, cursor_item)
 CROSS JOIN LATERAL (
       SELECT due_date, account_id, kind, item
         FROM :schema.due d
        WHERE d.partition = u.partition
          AND d.due_date <= u.day
          AND (d.due_date, d.account_id, d.kind, d.item)
              > (u.cursor_date, u.cursor_account, u.cursor_kind, u.cursor_item)
          AND (d.since IS NULL OR d.since < u.day)
        ORDER BY d.due_date, d.account_id, d.kind, d.item
        LIMIT $7::bigint) d
 ORDER BY u.partition, d.due_date, d.account_id, d.kind, d.item
 LIMIT $7::bigint
