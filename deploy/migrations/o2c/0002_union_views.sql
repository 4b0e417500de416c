-- Views over all consumers: one SELECT per consumer schema that has a view of that name, no
-- joins. Made anew by o2c migrate whenever something was applied.
CREATE FUNCTION o2c.refresh_union_views() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    view_name text;
    body text;
BEGIN
    FOREACH view_name IN ARRAY ARRAY['consumer_progress', 'waiting', 'parked', 'set_aside',
                                  'flow'] LOOP
        SELECT string_agg(format('SELECT * FROM %I.%I', c.schema,
                                 CASE WHEN view_name IN ('parked', 'set_aside')
                                      THEN 'reading_' || view_name ELSE view_name END),
                          ' UNION ALL ' ORDER BY c.schema)
          INTO body
          FROM o2c.consumer c
         WHERE to_regclass(format('%I.%I', c.schema,
                                  CASE WHEN view_name IN ('parked', 'set_aside')
                                       THEN 'reading_' || view_name ELSE view_name END))
               IS NOT NULL;
        EXECUTE format('DROP VIEW IF EXISTS o2c.%I', view_name);
        IF body IS NOT NULL THEN
            EXECUTE format('CREATE VIEW o2c.%I AS %s', view_name, body);
            EXECUTE format('GRANT SELECT ON o2c.%I TO o2c_reader', view_name);
        END IF;
    END LOOP;
END
$$;
