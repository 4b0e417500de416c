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

-- Takes those of the consumers over that no living relay holds: epoch + 1. The session's advisory
-- lock says who lives; the epoch alone makes a cursor safe against one that only seemed dead.
CREATE FUNCTION relay.claim_consumers(my_owner text, wanted text[])
    RETURNS TABLE (consumer text, epoch bigint) LANGUAGE plpgsql AS $$
DECLARE
    free text;
BEGIN
    FOR free IN SELECT c.consumer FROM o2c.consumer c WHERE c.consumer = ANY (wanted) ORDER BY 1 LOOP
        CONTINUE WHEN NOT pg_try_advisory_lock(hashtext('o2c relay'), hashtext(free));
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

-- How far the source partitions of a consumer are.
CREATE FUNCTION relay.sources(my_consumer text)
    RETURNS TABLE (partition integer, given bigint, acked bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT p.partition, coalesce(p.outbox_no, 0), coalesce(k.acked_no, 0)'
        '  FROM %I.position p LEFT JOIN relay.cursor k ON k.consumer = %L AND k.partition = p.partition',
        (SELECT c.schema FROM o2c.consumer c WHERE c.consumer = my_consumer), my_consumer);
END
$$;

-- Does a part of the outbox hold numbers in lowest..highest that are not acknowledged (or any)?
-- By primary key, once for each source partition.
CREATE FUNCTION relay.holds(part regclass, my_consumer text, lowest bigint, highest bigint, unpublished boolean)
    RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found_any boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM relay.sources($1) s'
                   ' WHERE EXISTS (SELECT 1 FROM %s o WHERE o.partition = s.partition AND o.outbox_no <= $3'
                   '                  AND o.outbox_no >= CASE WHEN $4 THEN greatest($2, s.acked + 1) ELSE $2 END))', part)
       INTO found_any USING my_consumer, lowest, highest, unpublished;
    RETURN found_any;
END
$$;

-- Drops a part of which everything is published. Decisions that are being written come first.
CREATE FUNCTION relay.drop_part(part regclass, outbox regclass, my_consumer text)
    RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF relay.holds(part, my_consumer, 1, 9223372036854775807, true) THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', outbox);
    IF relay.holds(part, my_consumer, 1, 9223372036854775807, true) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %s', part);
    RETURN true;
END
$$;

-- Drops the ranges of an outbox (a million numbers each) of which everything is published and that lie
-- `keep` behind the newest published number, and makes those that the next `ahead` numbers of each source
-- partition fall into. Numbers are per partition: a range that a quiet partition has not come to the end
-- of is dropped too once it has grown to 16 MB, and made anew, empty.
--
-- Where ranges were not made in time (no relay ran), outbox_rest has taken the rows. Ranges it holds
-- rows of cannot be made (how many: the result); it is dropped and made anew like a range.
CREATE FUNCTION relay.maintain(my_consumer text, ahead bigint, keep bigint)
    RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    of_schema text := (SELECT schema FROM o2c.consumer WHERE consumer = my_consumer);
    outbox regclass := format('%I.outbox', of_schema);
    rest regclass := format('%I.outbox_rest', of_schema);
    old_from bigint := (SELECT max(acked) - keep FROM relay.sources(my_consumer));
    needed bigint[] := ARRAY(SELECT DISTINCT r FROM relay.sources(my_consumer),
                             generate_series(given / 1000000 + 1, (given + ahead) / 1000000 + 1) r ORDER BY 1);
    skipped integer := 0;
    range_no bigint;
    part record;
BEGIN
    FOR part IN SELECT i.inhrelid::regclass AS name, substring(c.relname FROM '_([0-9]+)$')::bigint AS no
                  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = outbox AND c.relname ~ '^outbox_[0-9]+$' LOOP
        IF part.no * 1000000 <= old_from
           AND (part.no <> ALL (needed) OR pg_total_relation_size(part.name) > 16777216) THEN
            PERFORM relay.drop_part(part.name, outbox, my_consumer);
        END IF;
    END LOOP;
    IF relay.holds(rest, my_consumer, 1, old_from, false)
       AND NOT relay.holds(rest, my_consumer, old_from + 1, 9223372036854775807, false)
       AND relay.drop_part(rest, outbox, my_consumer) THEN
        EXECUTE format('CREATE TABLE %I.outbox_rest PARTITION OF %s DEFAULT', of_schema, outbox);
        rest := format('%I.outbox_rest', of_schema);
    END IF;
    FOREACH range_no IN ARRAY needed LOOP
        CONTINUE WHEN to_regclass(format('%I.outbox_%s', of_schema, range_no)) IS NOT NULL;
        IF relay.holds(rest, my_consumer, (range_no - 1) * 1000000 + 1, range_no * 1000000, false) THEN
            skipped := skipped + 1;
        ELSE
            EXECUTE format('CREATE TABLE %I.outbox_%s PARTITION OF %s FOR VALUES FROM (%s) TO (%s)',
                           of_schema, range_no, outbox, (range_no - 1) * 1000000 + 1, range_no * 1000000 + 1);
        END IF;
    END LOOP;
    RETURN skipped;
END
$$;
