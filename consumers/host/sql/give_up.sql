SELECT :schema.give_up($1::text)
