-- The owner before may be stopped between load and store, holding its locks for ever.
SELECT pg_terminate_backend(a.pid)
  FROM :schema.claim c
  JOIN pg_stat_activity a ON a.pid = c.backend_pid AND a.backend_start = c.backend_start
 WHERE c.partition = ANY ($1::integer[]) AND a.pid <> pg_backend_pid()
