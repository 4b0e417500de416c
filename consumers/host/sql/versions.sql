-- The migrations in force for this schema: the engine's (folder host) and the consumer's own.
SELECT folder, max(version)::integer FROM o2c.migration WHERE schema = $1::text GROUP BY folder
