-- Settings that decide what is published: as they were at the first start.
CREATE TABLE :schema.fixed_setting (
    name     text PRIMARY KEY,
    value    text NOT NULL,                  -- '': none was given
    fixed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION :schema.fix_setting(setting text, given text) RETURNS text LANGUAGE sql AS $$
    INSERT INTO :schema.fixed_setting (name, value) VALUES (setting, given) ON CONFLICT DO NOTHING;
    SELECT value FROM :schema.fixed_setting WHERE name = setting
$$;
