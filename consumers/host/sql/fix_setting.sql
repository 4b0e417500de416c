-- What the setting is, now that this value was given ('': none was).
SELECT :schema.fix_setting($1::text, $2::text)
