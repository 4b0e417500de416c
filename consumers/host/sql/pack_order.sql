SELECT :schema.pack_order($1::integer[], $2::bigint[])
