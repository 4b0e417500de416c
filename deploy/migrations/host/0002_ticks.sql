-- Time as an event: what has to be looked at when its day has begun, how far a partition has
-- got with the days, and the day a record was decided in.

-- What rules asked to be called for (docs/time.md). A tick of day D runs what has
-- due_date <= D and was there before the day began, in key order.
CREATE TABLE :schema.due (
    partition  integer NOT NULL,
    due_date   date NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    item       text COLLATE "C" NOT NULL,
    since      date,                         -- last business day begun when it was created; NULL: none
    refused    text,                         -- why the rule refused it last; it is tried at every tick
    PRIMARY KEY (partition, due_date, account_id, kind, item)
);

-- cursor_*: the item of the tick of business_date that was run last, while the tick is
-- under way; NULL when it is done.
ALTER TABLE :schema.progress
    ADD business_date  date,                 -- last one begun; without o2c.clock: the last one heard of
    ADD cursor_date    date,
    ADD cursor_account text,
    ADD cursor_kind    text,
    ADD cursor_item    text,
    ADD tick_emitted   integer NOT NULL DEFAULT 0; -- records that the tick under way has emitted

ALTER TABLE :schema.outbox ADD business_date date; -- o2c_tick: as progress had it

ALTER TABLE :schema.set_aside
    DROP CONSTRAINT set_aside_reason_check,
    ADD CONSTRAINT set_aside_reason_check
        CHECK (reason IN ('no-key', 'wrong-partition', 'key-mismatch', 'unreadable'));

-- The types of the version before stay for programs of that version.
CREATE TYPE :schema.progress_row_2 AS (
    partition integer, batch_seq bigint, epoch bigint, next_offsets text, last_hashes text,
    stream_seqs text, outbox_no bigint, applied bigint, repeats bigint, skipped bigint,
    parked bigint, unparked bigint, set_aside bigint, markers bigint, business_date date,
    cursor_date date, cursor_account text, cursor_kind text, cursor_item text,
    tick_emitted integer);

CREATE TYPE :schema.outbox_row_2 AS (
    partition integer, outbox_no bigint, topic text, target_partition integer,
    stream_seq bigint, incarnation uuid, event_id uuid, event_type text, subject text,
    recorded_at timestamptz, cause text, headers text, key bytea, value bytea,
    business_date date);

CREATE FUNCTION :schema.fence(positions :schema.progress_row_2[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    held integer;
BEGIN
    PERFORM 1
       FROM :schema.claim c
       JOIN unnest(positions) mine ON c.partition = mine.partition AND c.epoch = mine.epoch
      ORDER BY c.partition
        FOR NO KEY UPDATE OF c;
    GET DIAGNOSTICS held = ROW_COUNT;
    IF held <> cardinality(positions) THEN
        RAISE EXCEPTION 'claimed by another process' USING ERRCODE = 'O2C01';
    END IF;
    INSERT INTO :schema.progress
           (partition, batch_seq, epoch, next_offsets, last_hashes, stream_seqs, outbox_no,
            applied, repeats, skipped, parked, unparked, set_aside, markers, business_date,
            cursor_date, cursor_account, cursor_kind, cursor_item, tick_emitted)
    SELECT partition, batch_seq, epoch, next_offsets::jsonb, last_hashes::jsonb,
           stream_seqs::jsonb, outbox_no, applied, repeats, skipped, parked, unparked,
           set_aside, markers, business_date, cursor_date, cursor_account, cursor_kind,
           cursor_item, tick_emitted
      FROM unnest(positions)
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS held = ROW_COUNT;
    IF held <> cardinality(positions) THEN
        RAISE EXCEPTION 'batch stored by another process' USING ERRCODE = 'O2C01';
    END IF;
END
$$;

CREATE OR REPLACE VIEW :schema.position AS
SELECT c.partition, c.epoch, c.generation, c.owner, c.backend_pid, c.incarnation, c.cluster_id,
       c.partition_count, c.claimed_at, p.batch_seq, p.next_offsets, p.last_hashes, p.stream_seqs,
       p.outbox_no, p.applied, p.repeats, p.skipped, p.parked, p.unparked, p.set_aside,
       p.markers, p.stored_at, p.business_date, p.cursor_date, p.cursor_account, p.cursor_kind,
       p.cursor_item, p.tick_emitted
  FROM :schema.claim c
  LEFT JOIN LATERAL (SELECT * FROM :schema.progress p
                      WHERE p.partition = c.partition
                      ORDER BY batch_seq DESC LIMIT 1) p ON true;
