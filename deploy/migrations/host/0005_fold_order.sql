-- The order in which inputs were folded, for ever and in few bytes
-- (docs/decisions/0019-the-recorded-order-is-packed.md).
-- compatible from 3

-- A stretch of a partition: its batches 200 * stretch + 1 to 200 * (stretch + 1). Written once;
-- numbers that grow by little stand next to each other as text, which TOAST compresses.
CREATE TABLE :schema.packed_order (
    partition integer NOT NULL,
    stretch   bigint NOT NULL,
    batches   json NOT NULL,                 -- [[next_offsets, business_date, cursor_date, cursor_account,
                                             -- cursor_kind, cursor_item, parked, unparked], ...]
    PRIMARY KEY (partition, stretch)
);

-- Every batch there ever was, in the order of a partition by batch_seq. Who reads much of it reads
-- stretch by stretch, from 0 on, until one has no rows.
CREATE VIEW :schema.fold_order AS
SELECT partition, (batch_seq - 1) / 200 AS stretch, batch_seq, next_offsets, business_date,
       cursor_date, cursor_account, cursor_kind, cursor_item, parked, unparked
  FROM :schema.progress
 UNION ALL
SELECT partition, stretch, 200 * stretch + no, b -> 0, (b ->> 1)::date, (b ->> 2)::date, b ->> 3,
       b ->> 4, b ->> 5, (b ->> 6)::bigint, (b ->> 7)::bigint
  FROM :schema.packed_order
 CROSS JOIN LATERAL jsonb_array_elements(batches::jsonb) WITH ORDINALITY AS e(b, no);

-- Packs the next stretch of one of these partitions, if one is older than the newest 200 batches
-- (o2c lag reads 101 of them), and hands back how many batches it took. One with a gap stays, for
-- verify_order to name. O2C01: claimed by another process.
CREATE FUNCTION :schema.pack_order(partitions integer[], epochs bigint[])
    RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    next record;
BEGIN
    SELECT mine.partition, mine.epoch, k.stretch INTO next
      FROM unnest(partitions, epochs) AS mine(partition, epoch)
     CROSS JOIN LATERAL (SELECT coalesce(max(stretch) + 1, 0) AS stretch
                           FROM :schema.packed_order k WHERE k.partition = mine.partition) k
     CROSS JOIN LATERAL (SELECT max(batch_seq) AS batch_seq
                           FROM :schema.progress p WHERE p.partition = mine.partition) p
     WHERE p.batch_seq >= 200 * (k.stretch + 1) + 200
       AND (SELECT count(*) FROM :schema.progress p WHERE p.partition = mine.partition
               AND p.batch_seq BETWEEN 200 * k.stretch + 1 AND 200 * (k.stretch + 1)) = 200
     ORDER BY p.batch_seq - 200 * k.stretch DESC
     LIMIT 1;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    PERFORM 1 FROM :schema.claim c
      WHERE c.partition = next.partition AND c.epoch = next.epoch FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'claimed by another process' USING ERRCODE = 'O2C01';
    END IF;
    WITH old AS (
        DELETE FROM :schema.progress p
         WHERE p.partition = next.partition
           AND p.batch_seq BETWEEN 200 * next.stretch + 1 AND 200 * (next.stretch + 1)
        RETURNING *
    )
    INSERT INTO :schema.packed_order
    SELECT next.partition, next.stretch,
           json_agg(json_build_array(next_offsets, business_date, cursor_date, cursor_account,
                                     cursor_kind, cursor_item, parked, unparked)
                    ORDER BY batch_seq)
      FROM old;
    RETURN 200;
END
$$;

-- Where the recorded order has a gap or goes back; of each partition the first place.
CREATE FUNCTION :schema.verify_order() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
    of record;
    before record;
    found record;
BEGIN
    FOR of IN SELECT partition,
                     greatest((SELECT max(stretch) FROM :schema.packed_order k
                                WHERE k.partition = c.partition),
                              (SELECT (max(batch_seq) - 1) / 200 FROM :schema.progress p
                                WHERE p.partition = c.partition), -1) AS last_stretch
                FROM :schema.claim c ORDER BY partition LOOP
        SELECT 0::bigint AS batch_seq, coalesce(jsonb_object_agg(topic, next_offset), '{}') AS next_offsets
          INTO before FROM :schema.first_offset f WHERE f.partition = of.partition;
        FOR at IN 0 .. of.last_stretch LOOP
            SELECT max(batch_seq) AS batch_seq,
                   (array_agg(next_offsets ORDER BY batch_seq DESC))[1] AS next_offsets,
                   (array_agg(fault ORDER BY batch_seq) FILTER (WHERE fault IS NOT NULL))[1] AS fault
              INTO found
              FROM (SELECT batch_seq, next_offsets,
                           CASE WHEN batch_seq <> batch_before + 1 THEN
                               format('partition %s: batch %s of the recorded order is followed by %s',
                                      of.partition, batch_before, batch_seq)
                           ELSE (SELECT format('partition %s: %s goes back from offset %s to %s in batch %s',
                                               of.partition, topic, stood, next_offsets ->> topic, batch_seq)
                                   FROM jsonb_each_text(offsets_before) AS b(topic, stood)
                                  WHERE (next_offsets ->> topic)::bigint < stood::bigint LIMIT 1)
                           END AS fault
                      FROM (SELECT batch_seq, next_offsets,
                                   lag(batch_seq, 1, before.batch_seq) OVER w AS batch_before,
                                   lag(next_offsets, 1, before.next_offsets) OVER w AS offsets_before
                              FROM :schema.fold_order
                             WHERE partition = of.partition AND stretch = at
                            WINDOW w AS (ORDER BY batch_seq)) step) judged;
            IF found.fault IS NOT NULL THEN
                RETURN NEXT found.fault;
                EXIT;
            END IF;
            IF found.batch_seq IS NOT NULL THEN
                before.batch_seq := found.batch_seq;
                before.next_offsets := found.next_offsets;
            END IF;
        END LOOP;
    END LOOP;
END
$$;
