-- The consumer `reminders`: consumers/reminders/rows.h says what the columns mean.
CREATE TABLE reminders.item (
    account_id     text NOT NULL,
    kind           text NOT NULL,
    document_id    text NOT NULL,
    instalment_no  integer NOT NULL,
    customer_id    text NOT NULL,
    currency       text NOT NULL,
    armed_on       date,                     -- its due date while it may be reminded
    company_id     text,
    due_date       date NOT NULL,
    open_minor     bigint NOT NULL,
    disputed_minor bigint NOT NULL,
    remind         boolean NOT NULL,
    reminder_id    text,
    live           boolean NOT NULL,         -- open and undisputed
    PRIMARY KEY (account_id, kind, document_id, instalment_no)
) WITH (fillfactor = 50);
CREATE TYPE reminders.item_row AS (
    account_id text, kind text, document_id text, instalment_no integer, customer_id text,
    currency text, armed_on date, company_id text, due_date date, open_minor bigint,
    disputed_minor bigint, remind boolean, reminder_id text, live boolean);

CREATE TABLE reminders.armed_day (
    account_id  text NOT NULL,
    customer_id text NOT NULL,
    currency    text NOT NULL,
    due_day     integer NOT NULL,            -- due date, as days since 1970
    remind_date date NOT NULL,
    item_count  integer NOT NULL,
    PRIMARY KEY (account_id, customer_id, currency, due_day)
) WITH (fillfactor = 50);
CREATE TYPE reminders.armed_day_row AS (
    account_id text, customer_id text, currency text, due_day integer, remind_date date,
    item_count integer);

CREATE TABLE reminders.reminder (
    account_id  text NOT NULL,
    reminder_id text NOT NULL,
    customer_id text NOT NULL,
    company_id  text,
    currency    text NOT NULL,
    run_date    date NOT NULL,
    level       integer NOT NULL,
    item_count  integer NOT NULL,
    live_count  integer NOT NULL,
    total_minor bigint NOT NULL,
    state       text NOT NULL,
    channel     text NOT NULL,
    PRIMARY KEY (account_id, reminder_id)
) WITH (fillfactor = 50);
CREATE TYPE reminders.reminder_row AS (
    account_id text, reminder_id text, customer_id text, company_id text, currency text,
    run_date date, level integer, item_count integer, live_count integer,
    total_minor bigint, state text, channel text);

CREATE TABLE reminders.reminder_item (
    account_id    text NOT NULL,
    reminder_id   text NOT NULL,
    item_no       integer NOT NULL,
    kind          text NOT NULL,
    document_id   text NOT NULL,
    instalment_no integer NOT NULL,
    due_date      date NOT NULL,
    days_overdue  integer NOT NULL,
    open_minor    bigint NOT NULL,
    PRIMARY KEY (account_id, reminder_id, item_no)
) WITH (fillfactor = 50);
CREATE TYPE reminders.reminder_item_row AS (
    account_id text, reminder_id text, item_no integer, kind text, document_id text,
    instalment_no integer, due_date date, days_overdue integer, open_minor bigint);

CREATE TABLE reminders.held (
    account_id text PRIMARY KEY,
    since      timestamptz NOT NULL,         -- when receivables said that something is parked
    put_off_on date                          -- the last business day on which a letter was due
) WITH (fillfactor = 50);
CREATE TYPE reminders.held_row AS (account_id text, since timestamptz, put_off_on date);

CREATE INDEX item_armed ON reminders.item (account_id, customer_id, currency, armed_on)
    WHERE armed_on IS NOT NULL;

INSERT INTO o2c.consumer_topic VALUES
    ('reminders', 'o2c.clock', 'in'),
    ('reminders', 'o2c.parked.receivables', 'in'),
    ('reminders', 'o2c.cash', 'in'),
    ('reminders', 'o2c.reminders', 'out'),
    ('reminders', 'o2c.conflicts', 'out'),
    ('reminders', 'o2c.parked.reminders', 'out');

CREATE VIEW o2c.reminder AS
SELECT r.reminder_id, r.customer_id, r.run_date, r.level,
       (SELECT array_agg(i.document_id ORDER BY i.item_no) FROM reminders.reminder_item i
         WHERE i.account_id = r.account_id AND i.reminder_id = r.reminder_id) AS invoice_ids,
       r.total_minor, 0::bigint AS fee_minor, r.state, r.channel, NULL::timestamptz AS delivered_at,
       r.currency, r.item_count, r.live_count, r.account_id, r.company_id
  FROM reminders.reminder r;

-- Letters that were due and are put off.
CREATE VIEW reminders.waiting AS
SELECT 'reminders'::text AS consumer, h.account_id, 'reminder'::text AS kind,
       d.customer_id || '/' || d.currency AS document,
       'what is parked in receivables'::text AS waits_for, h.since
  FROM reminders.held h
  JOIN reminders.armed_day d ON d.account_id = h.account_id AND d.remind_date <= h.put_off_on
 GROUP BY h.account_id, d.customer_id, d.currency, h.since;

-- What must add up whenever the pipeline is drained; each row a finding.
CREATE FUNCTION reminders.verify() RETURNS SETOF text LANGUAGE sql STABLE AS $$
SELECT format('reminder %s of account %s: %s of its items are open and undisputed, it counts %s',
              r.reminder_id, r.account_id, count(i.*) FILTER (WHERE i.live), r.live_count)
  FROM reminders.reminder r
  LEFT JOIN reminders.item i USING (account_id, reminder_id)
 GROUP BY r.account_id, r.reminder_id, r.live_count, r.item_count
HAVING count(i.*) FILTER (WHERE i.live) <> r.live_count OR count(i.*) <> r.item_count
 UNION ALL
SELECT format('customer %s of account %s in %s: %s items due on day %s may be reminded, %s counted',
              d.customer_id, d.account_id, d.currency, count(i.*), d.due_day, d.item_count)
  FROM reminders.armed_day d
  LEFT JOIN reminders.item i
    ON i.account_id = d.account_id AND i.customer_id = d.customer_id AND i.currency = d.currency
   AND i.armed_on = date '1970-01-01' + d.due_day
 GROUP BY d.account_id, d.customer_id, d.currency, d.due_day, d.item_count
HAVING count(i.*) <> d.item_count
$$;
