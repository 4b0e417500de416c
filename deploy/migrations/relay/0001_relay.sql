-- What the outbox relay keeps: who publishes for a consumer, and how far it is.
CREATE SCHEMA relay;

CREATE TABLE relay.claim (
    consumer      text PRIMARY KEY,
    epoch         bigint NOT NULL,
    owner         text NOT NULL,
    backend_pid   integer NOT NULL,
    backend_start timestamptz NOT NULL,
    claimed_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Everything up to acked_no of a consumer's source partition is acknowledged by Kafka.
CREATE TABLE relay.cursor (
    consumer  text NOT NULL,
    partition integer NOT NULL,
    acked_no  bigint NOT NULL,
    PRIMARY KEY (consumer, partition)
) WITH (fillfactor = 50);

-- Takes the consumers over that no living relay holds: epoch + 1. The session's advisory lock
-- says who lives; the epoch alone makes a cursor safe against one that only seemed dead.
CREATE FUNCTION relay.claim_consumers(my_owner text, mine text[])
    RETURNS TABLE (consumer text, epoch bigint) LANGUAGE plpgsql AS $$
DECLARE
    free text;
BEGIN
    FOR free IN SELECT c.consumer FROM o2c.consumer c ORDER BY 1 LOOP
        CONTINUE WHEN free = ANY (mine) OR NOT pg_try_advisory_lock(hashtext('o2c relay'), hashtext(free));
        RETURN QUERY
        INSERT INTO relay.claim AS held (consumer, epoch, owner, backend_pid, backend_start)
        SELECT free, 1, my_owner, pid, backend_start FROM pg_stat_activity
         WHERE pid = pg_backend_pid()
            ON CONFLICT ON CONSTRAINT claim_pkey DO UPDATE
           SET epoch = held.epoch + 1, owner = excluded.owner,
               backend_pid = excluded.backend_pid, backend_start = excluded.backend_start,
               claimed_at = clock_timestamp()
        RETURNING held.consumer, held.epoch;
    END LOOP;
END
$$;

-- Moves cursors; O2C01 where another relay has claimed since. Never backwards.
CREATE FUNCTION relay.advance(consumers text[], epochs bigint[], partitions integer[],
                              acked bigint[])
    RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM relay.claim c
       JOIN (SELECT DISTINCT * FROM unnest(consumers, epochs) u(consumer, epoch)) mine
         ON c.consumer = mine.consumer
      ORDER BY c.consumer
        FOR NO KEY UPDATE OF c;
    IF EXISTS (SELECT 1 FROM unnest(consumers, epochs) mine(consumer, epoch)
                WHERE NOT EXISTS (SELECT 1 FROM relay.claim c
                                   WHERE c.consumer = mine.consumer
                                     AND c.epoch = mine.epoch)) THEN
        RAISE EXCEPTION 'claimed by another relay' USING ERRCODE = 'O2C01';
    END IF;
    INSERT INTO relay.cursor AS old (consumer, partition, acked_no)
    SELECT c, p, n FROM unnest(consumers, partitions, acked) AS u(c, p, n)
        ON CONFLICT (consumer, partition)
        DO UPDATE SET acked_no = greatest(old.acked_no, excluded.acked_no);
END
$$;

-- Makes the ranges of an outbox `ahead` of what is given, and drops those wholly published by
-- every source partition that are older than `keep` behind. Ranges are a million numbers.
CREATE FUNCTION relay.maintain(my_consumer text, ahead bigint, keep bigint)
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    of_schema text := (SELECT schema FROM o2c.consumer WHERE consumer = my_consumer);
    newest bigint;
    published bigint;
    range_no bigint;
    part record;
BEGIN
    EXECUTE format('SELECT coalesce(max(p.outbox_no), 0), coalesce(min(coalesce(k.acked_no, 0)), 0)'
                   '  FROM %I.position p LEFT JOIN relay.cursor k'
                   '    ON k.consumer = %L AND k.partition = p.partition', of_schema, my_consumer)
       INTO newest, published;
    FOR range_no IN 1 .. (newest + ahead) / 1000000 + 1 LOOP
        CONTINUE WHEN to_regclass(format('%I.outbox_%s', of_schema, range_no)) IS NOT NULL
                   OR range_no * 1000000 <= published - keep;
        EXECUTE format('CREATE TABLE %I.outbox_%s PARTITION OF %I.outbox FOR VALUES FROM (%s) TO (%s)',
                       of_schema, range_no, of_schema, (range_no - 1) * 1000000 + 1,
                       range_no * 1000000 + 1);
    END LOOP;
    FOR part IN SELECT i.inhrelid::regclass AS name,
                       substring(c.relname FROM '_([0-9]+)$')::bigint AS no
                  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = format('%I.outbox', of_schema)::regclass
                   AND c.relname ~ '^outbox_[0-9]+$' LOOP
        IF part.no * 1000000 <= published - keep THEN
            EXECUTE format('DROP TABLE %s', part.name);
        END IF;
    END LOOP;
END
$$;
