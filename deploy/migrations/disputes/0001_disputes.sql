-- The consumer `disputes`: consumers/disputes/rows.h says what the columns mean.
CREATE TABLE disputes.document (
    account_id        text NOT NULL,
    document_id       text NOT NULL,
    kind              text NOT NULL,         -- invoice, debit_note
    customer_id       text NOT NULL,
    company_id        text NOT NULL,
    currency          text NOT NULL,
    open_minor        bigint NOT NULL,
    credited_minor    bigint NOT NULL,
    used_credit_minor bigint NOT NULL,       -- up to where credit notes have closed cases
    state             text NOT NULL,
    PRIMARY KEY (account_id, document_id)
) WITH (fillfactor = 50);
CREATE TYPE disputes.document_row AS (
    account_id text, document_id text, kind text, customer_id text, company_id text,
    currency text, open_minor bigint, credited_minor bigint, used_credit_minor bigint,
    state text);

CREATE TABLE disputes.dispute (
    account_id      text NOT NULL,
    dispute_id      text NOT NULL,
    live_document_id text,                   -- NULL: closed for good, or not raised
    document_id     text,
    customer_id     text,
    company_id      text,
    reason_code     text,
    line_no         integer,
    raised_minor    bigint NOT NULL,
    amount_minor    bigint NOT NULL,         -- still disputed
    state           text,                    -- NULL: waits
    resolution      text,
    opened_at       timestamptz NOT NULL,
    opened_credited_minor bigint NOT NULL,   -- credited of the document then
    assignee        text,
    decision        text,
    decided_minor   bigint NOT NULL,
    raised_content  bytea,
    decided_content bytea,
    raised_seen     timestamptz NOT NULL,
    decided_seen    timestamptz NOT NULL,
    first_seen      timestamptz NOT NULL,
    withdrawn       boolean NOT NULL,
    PRIMARY KEY (account_id, dispute_id)
) WITH (fillfactor = 50);
CREATE TYPE disputes.dispute_row AS (
    account_id text, dispute_id text, live_document_id text, document_id text,
    customer_id text, company_id text, reason_code text, line_no integer,
    raised_minor bigint, amount_minor bigint, state text, resolution text,
    opened_at timestamptz, opened_credited_minor bigint, assignee text, decision text,
    decided_minor bigint, raised_content bytea, decided_content bytea,
    raised_seen timestamptz, decided_seen timestamptz, first_seen timestamptz,
    withdrawn boolean);

CREATE TABLE disputes.event (
    account_id  text NOT NULL,
    dispute_id  text NOT NULL,
    event_id    text NOT NULL,
    type        text NOT NULL,
    said        text,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, dispute_id, event_id)
) WITH (fillfactor = 50);
CREATE TYPE disputes.event_row AS (
    account_id text, dispute_id text, event_id text, type text, said text,
    recorded_at timestamptz);

CREATE INDEX dispute_document ON disputes.dispute (account_id, live_document_id)
    WHERE live_document_id IS NOT NULL;

INSERT INTO o2c.consumer_topic VALUES
    ('disputes', 'o2c.cash', 'in'),
    ('disputes', 'o2c.dispute-requests', 'in'),
    ('disputes', 'o2c.disputes', 'out'),
    ('disputes', 'o2c.conflicts', 'out'),
    ('disputes', 'o2c.parked.disputes', 'out');

CREATE VIEW o2c.dispute AS
SELECT dispute_id, customer_id, document_id AS invoice_id, amount_minor, reason_code, 'customer'::text AS origin,
       state, assignee, opened_at, NULL::date AS due_date, resolution, line_no, decision,
       (SELECT count(*) FROM disputes.event e
         WHERE e.account_id = d.account_id AND e.dispute_id = d.dispute_id
           AND e.type = 'DisputeEvidenceAdded') AS evidence_count,
       account_id, company_id, raised_minor
  FROM disputes.dispute d
 WHERE state IS NOT NULL;

CREATE VIEW disputes.waiting AS
SELECT 'disputes'::text AS consumer, account_id, 'dispute'::text AS kind, dispute_id AS document,
       CASE WHEN raised_content IS NULL THEN 'DisputeRaised'
            ELSE 'OpenItemChanged ' || document_id END AS waits_for,
       first_seen AS since
  FROM disputes.dispute
 WHERE state IS NULL;

-- Cases that are active; part of o2c.flow. They are kept here and not by receivables, which knows no day of opening.
CREATE TABLE disputes.flow_limit (
    stage text PRIMARY KEY,
    days  integer NOT NULL                   -- longer in the stage is stuck
);
INSERT INTO disputes.flow_limit VALUES
    ('disputed', 30);

CREATE VIEW disputes.flow AS
WITH item AS (
    SELECT 'disputed' AS stage, i.currency, d.amount_minor, d.opened_at AS since
      FROM disputes.dispute d
      JOIN disputes.document i ON i.account_id = d.account_id AND i.document_id = d.live_document_id
     WHERE d.state IS NOT NULL AND d.resolution IS NULL
)
SELECT stage, count(*) AS documents, sum(amount_minor)::bigint AS amount_minor,
       min(since) AS oldest_since,
       count(*) FILTER (WHERE since < now() - make_interval(days => days)) AS stuck, currency
  FROM item JOIN disputes.flow_limit USING (stage)
 GROUP BY stage, currency;

-- What must add up whenever the pipeline is drained; each row a finding.
CREATE FUNCTION disputes.verify() RETURNS SETOF text LANGUAGE sql STABLE AS $$
SELECT format('dispute %s of account %s is %s, and nothing is open of its %s', d.dispute_id,
              account_id, d.state, i.kind)
  FROM disputes.dispute d
  JOIN disputes.document i USING (account_id, document_id)
 WHERE i.open_minor = 0 AND d.state IS NOT NULL AND d.resolution IS NULL
 UNION ALL
SELECT format('dispute %s of account %s is closed as paid, and %s is open of its %s', d.dispute_id,
              account_id, i.open_minor, i.kind)
  FROM disputes.dispute d
  JOIN disputes.document i USING (account_id, document_id)
 WHERE i.open_minor <> 0 AND d.resolution = 'paid'
$$;
