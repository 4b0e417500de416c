-- The migrations in force for this schema: the engine's (folder host) and the consumer's own, and
-- the oldest programs that all of them go with. Read as JSON: an older release had no such column.
SELECT folder, max(version)::integer,
       max(coalesce((to_jsonb(m) ->> 'compatible_from')::integer, version))::integer
  FROM o2c.migration m WHERE schema = $1::text GROUP BY folder
