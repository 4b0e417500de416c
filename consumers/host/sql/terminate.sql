-- The owner before may be stopped between load and store, holding its locks for ever. Only who
-- holds the row is ended: a living owner may be busy with other partitions.
SELECT pg_terminate_backend(a.pid)
  FROM :schema.claim c
  JOIN pg_stat_activity a ON a.pid = c.backend_pid AND a.backend_start = c.backend_start
  JOIN pg_locks l ON l.locktype = 'transactionid' AND l.transactionid = c.xmax
                 AND l.pid = a.pid AND l.granted
 WHERE c.partition = ANY ($1::integer[]) AND a.pid <> pg_backend_pid()
