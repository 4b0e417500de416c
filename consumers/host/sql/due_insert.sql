INSERT INTO :schema.due (partition, due_date, account_id, kind, item, since)
SELECT * FROM unnest($1::integer[], $2::date[], $3::text[], $4::text[], $5::text[], $6::date[])
    ON CONFLICT DO NOTHING
