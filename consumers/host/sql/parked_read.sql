-- The accounts with something parked, and the last number given in each partition.
SELECT partition, account_id, count(*), NULL::bigint
  FROM :schema.parked
 WHERE partition = ANY ($1::integer[]) AND state IN ('parked', 'queued')
 GROUP BY partition, account_id
 UNION ALL
SELECT p.partition, NULL, 0,
       coalesce((SELECT parked_no FROM :schema.parked k WHERE k.partition = p.partition
                  ORDER BY parked_no DESC LIMIT 1), 0)
  FROM unnest($1::integer[]) p(partition)
