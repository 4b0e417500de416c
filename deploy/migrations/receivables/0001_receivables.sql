-- The consumer `receivables`: consumers/receivables/rows.h says what the columns mean.
CREATE TABLE receivables.document (
    account_id             text NOT NULL,
    kind                   text NOT NULL,    -- invoice, debit_note, credit_note
    document_id            text NOT NULL,
    number                 text,
    issued                 boolean NOT NULL, -- false: only cancelled or disputed so far
    customer_id            text,
    company_id             text,
    order_id               text,
    currency               text,
    issue_date             date NOT NULL,
    last_due_date          date NOT NULL,
    gross_minor            bigint NOT NULL,
    net_minor              bigint NOT NULL,
    tax_minor              bigint NOT NULL,
    applied_minor          bigint NOT NULL,
    credited_minor         bigint NOT NULL,
    discount_minor         bigint NOT NULL,
    written_off_minor      bigint NOT NULL,
    open_minor             bigint NOT NULL,
    claimed_dispute_minor  bigint NOT NULL,  -- sum of active disputes
    disputed_minor         bigint NOT NULL,
    offered_discount_minor bigint NOT NULL,
    discount_until         date,
    state                  text NOT NULL,
    settled_to             date NOT NULL,    -- latest effective date of what settled it
    closed_date            date,
    opening                boolean NOT NULL,
    remind                 boolean,
    application_count      integer NOT NULL,
    movement_count         integer NOT NULL,
    content                bytea,
    first_seen             timestamptz NOT NULL,
    cancelled_date         date,
    cancel_content         bytea,
    cancel_seen            timestamptz NOT NULL,
    PRIMARY KEY (account_id, kind, document_id)
) WITH (fillfactor = 50);
CREATE TYPE receivables.document_row AS (
    account_id text, kind text, document_id text, number text, issued boolean, customer_id
    text, company_id text, order_id text, currency text, issue_date date, last_due_date
    date, gross_minor bigint, net_minor bigint, tax_minor bigint, applied_minor bigint,
    credited_minor bigint, discount_minor bigint, written_off_minor bigint, open_minor
    bigint, claimed_dispute_minor bigint, disputed_minor bigint, offered_discount_minor
    bigint, discount_until date, state text, settled_to date, closed_date date, opening
    boolean, remind boolean, application_count integer, movement_count integer, content
    bytea, first_seen timestamptz, cancelled_date date, cancel_content bytea, cancel_seen
    timestamptz);

CREATE TABLE receivables.open_item (
    account_id     text NOT NULL,
    kind           text NOT NULL,
    document_id    text NOT NULL,
    instalment_no  integer NOT NULL,
    due_date       date NOT NULL,
    amount_minor   bigint NOT NULL,
    open_minor     bigint NOT NULL,
    disputed_minor bigint NOT NULL,
    PRIMARY KEY (account_id, kind, document_id, instalment_no)
) WITH (fillfactor = 50);
CREATE TYPE receivables.open_item_row AS (
    account_id text, kind text, document_id text, instalment_no integer, due_date date,
    amount_minor bigint, open_minor bigint, disputed_minor bigint);

CREATE TABLE receivables.payment (
    account_id        text NOT NULL,
    payment_id        text NOT NULL,
    received          boolean NOT NULL,      -- false: only its reversal has arrived
    customer_id       text,
    company_id        text,
    currency          text,
    received_date     date NOT NULL,
    amount_minor      bigint NOT NULL,
    applied_minor     bigint NOT NULL,       -- also after a reversal
    unapplied_minor   bigint NOT NULL,
    opening           boolean NOT NULL,
    state             text NOT NULL,
    application_count integer NOT NULL,
    movement_count    integer NOT NULL,
    content           bytea,
    first_seen        timestamptz NOT NULL,
    reversed_date     date,
    reversal_reason   text,
    reversal_content  bytea,
    reversal_seen     timestamptz NOT NULL,
    PRIMARY KEY (account_id, payment_id)
) WITH (fillfactor = 50);
CREATE TYPE receivables.payment_row AS (
    account_id text, payment_id text, received boolean, customer_id text, company_id text,
    currency text, received_date date, amount_minor bigint, applied_minor bigint,
    unapplied_minor bigint, opening boolean, state text, application_count integer,
    movement_count integer, content bytea, first_seen timestamptz, reversed_date date,
    reversal_reason text, reversal_content bytea, reversal_seen timestamptz);

CREATE TABLE receivables.remittance_line (
    account_id        text NOT NULL,
    source            text NOT NULL,         -- payment, credit_note
    source_id         text NOT NULL,
    line_no           integer NOT NULL,
    claims_invoice_id text,                  -- what it still waits for
    claims_number     text,
    named_invoice_id  text,
    named_number      text,
    customer_id       text NOT NULL,
    company_id        text NOT NULL,
    currency          text NOT NULL,
    source_date       date NOT NULL,
    amount_minor      bigint NOT NULL,
    discount_minor    bigint NOT NULL,
    applied_minor     bigint NOT NULL,
    PRIMARY KEY (account_id, source, source_id, line_no)
) WITH (fillfactor = 50);
CREATE TYPE receivables.remittance_line_row AS (
    account_id text, source text, source_id text, line_no integer, claims_invoice_id text,
    claims_number text, named_invoice_id text, named_number text, customer_id text,
    company_id text, currency text, source_date date, amount_minor bigint, discount_minor
    bigint, applied_minor bigint);

CREATE TABLE receivables.allocation (
    account_id      text NOT NULL,
    source          text NOT NULL,
    source_id       text NOT NULL,
    application_no  integer NOT NULL,
    instalment_no   integer NOT NULL,
    live_invoice_id text,                    -- NULL: undone, or of no invoice
    kind            text NOT NULL,
    document_id     text NOT NULL,
    rule            text NOT NULL,
    line_no         integer NOT NULL,
    applied_minor   bigint NOT NULL,
    discount_minor  bigint NOT NULL,
    effective_date  date NOT NULL,
    recorded_at     timestamptz NOT NULL,
    undone_date     date,
    PRIMARY KEY (account_id, source, source_id, application_no, instalment_no)
);
CREATE TYPE receivables.allocation_row AS (
    account_id text, source text, source_id text, application_no integer, instalment_no
    integer, live_invoice_id text, kind text, document_id text, rule text, line_no integer,
    applied_minor bigint, discount_minor bigint, effective_date date, recorded_at
    timestamptz, undone_date date);

CREATE TABLE receivables.movement (
    account_id     text NOT NULL,
    subject        text NOT NULL,            -- kind of document, or payment
    subject_id     text NOT NULL,
    movement_no    integer NOT NULL,
    instalment_no  integer NOT NULL,
    customer_id    text NOT NULL,
    currency       text NOT NULL,
    due_date       date NOT NULL,
    effective_date date NOT NULL,
    delta_minor    bigint NOT NULL,
    cause          text NOT NULL,
    cause_id       text NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (account_id, subject, subject_id, movement_no)
);
CREATE TYPE receivables.movement_row AS (
    account_id text, subject text, subject_id text, movement_no integer, instalment_no
    integer, customer_id text, currency text, due_date date, effective_date date,
    delta_minor bigint, cause text, cause_id text, recorded_at timestamptz);

CREATE TABLE receivables.balance (
    account_id              text NOT NULL,
    customer_id             text NOT NULL,
    company_id              text NOT NULL,
    currency                text NOT NULL,
    open_minor              bigint NOT NULL,
    credit_minor            bigint NOT NULL,
    unapplied_minor         bigint NOT NULL,
    disputed_minor          bigint NOT NULL,
    receivable_minor        bigint NOT NULL, -- posted: must equal open - credit
    unapplied_control_minor bigint NOT NULL, -- posted: must equal unapplied
    PRIMARY KEY (account_id, customer_id, company_id, currency)
) WITH (fillfactor = 50);
CREATE TYPE receivables.balance_row AS (
    account_id text, customer_id text, company_id text, currency text, open_minor bigint,
    credit_minor bigint, unapplied_minor bigint, disputed_minor bigint, receivable_minor
    bigint, unapplied_control_minor bigint);

CREATE TABLE receivables.dispute (
    account_id   text NOT NULL,
    dispute_id   text NOT NULL,
    kind         text NOT NULL,              -- invoice, debit_note
    document_id  text NOT NULL,
    amount_minor bigint NOT NULL,
    active       boolean NOT NULL,
    PRIMARY KEY (account_id, dispute_id)
) WITH (fillfactor = 50);
CREATE TYPE receivables.dispute_row AS (
    account_id text, dispute_id text, kind text, document_id text, amount_minor bigint,
    active boolean);

-- Partial, so that no statement by key takes it for its account_id: see decisions/0001.
CREATE INDEX document_number ON receivables.document (account_id, number)
    WHERE number IS NOT NULL;
CREATE INDEX remittance_line_invoice_id ON receivables.remittance_line (account_id, claims_invoice_id)
    WHERE claims_invoice_id IS NOT NULL;
CREATE INDEX remittance_line_number ON receivables.remittance_line (account_id, claims_number)
    WHERE claims_number IS NOT NULL;
CREATE INDEX allocation_invoice ON receivables.allocation (account_id, live_invoice_id)
    WHERE live_invoice_id IS NOT NULL;
-- For those who read: of one customer, of one document, and what waits.
CREATE INDEX movement_customer ON receivables.movement (customer_id, effective_date);
CREATE INDEX document_customer ON receivables.document (customer_id, issue_date) WHERE issued;
CREATE INDEX payment_customer ON receivables.payment (customer_id, received_date) WHERE received;
CREATE INDEX allocation_document ON receivables.allocation (document_id) WHERE source = 'payment';
CREATE INDEX document_waiting ON receivables.document (document_id) WHERE NOT issued;
CREATE INDEX payment_waiting ON receivables.payment (payment_id) WHERE NOT received;

INSERT INTO o2c.consumer_topic VALUES
    ('receivables', 'o2c.invoices', 'in'),
    ('receivables', 'o2c.payments', 'in'),
    ('receivables', 'o2c.disputes', 'in'),
    ('receivables', 'o2c.cash', 'out'),
    ('receivables', 'o2c.ledger', 'out'),
    ('receivables', 'o2c.state.invoice', 'out'),
    ('receivables', 'o2c.state.account', 'out'),
    ('receivables', 'o2c.conflicts', 'out'),
    ('receivables', 'o2c.parked.receivables', 'out');

CREATE VIEW o2c.invoice AS
SELECT d.document_id AS invoice_id, d.kind, d.number, d.customer_id, d.order_id, d.issue_date,
       coalesce((SELECT min(i.due_date) FROM receivables.open_item i
                  WHERE i.account_id = d.account_id AND i.kind = d.kind
                    AND i.document_id = d.document_id AND i.open_minor > 0),
                d.last_due_date) AS due_date,
       d.currency, d.gross_minor, d.applied_minor, d.credited_minor, d.discount_minor,
       d.written_off_minor, d.open_minor, d.disputed_minor, d.state, d.closed_date,
       d.account_id, d.company_id, d.net_minor, d.tax_minor, d.opening
  FROM receivables.document d
 WHERE d.issued;

CREATE VIEW o2c.payment AS
SELECT payment_id, customer_id, received_date, currency, amount_minor,
       CASE WHEN reversed_date IS NULL THEN applied_minor ELSE 0 END AS applied_minor,
       0::bigint AS on_account_minor, 0::bigint AS refunded_minor, state, unapplied_minor,
       reversed_date, account_id, company_id, opening
  FROM receivables.payment
 WHERE received;

CREATE VIEW o2c.cash_application AS
SELECT source_id || '/' || application_no AS application_id, source_id AS payment_id,
       document_id AS invoice_id, sum(applied_minor)::bigint AS applied_minor,
       sum(discount_minor)::bigint AS discount_minor, 0::bigint AS difference_minor,
       NULL::text AS difference_reason, rule, min(recorded_at) AS applied_at,
       bool_or(undone_date IS NOT NULL) AS reversed, kind,
       min(effective_date) AS effective_date, min(undone_date) AS reversed_date, account_id
  FROM receivables.allocation
 WHERE source = 'payment'
 GROUP BY account_id, source_id, application_no, kind, document_id, rule;

CREATE VIEW o2c.open_item AS
SELECT i.document_id, i.kind, i.instalment_no, d.number, d.customer_id, i.due_date, d.currency,
       i.amount_minor, i.open_minor, i.disputed_minor, i.account_id
  FROM receivables.open_item i
  JOIN receivables.document d USING (account_id, kind, document_id)
 WHERE i.open_minor > 0;

CREATE VIEW receivables.waiting AS
SELECT 'receivables'::text AS consumer, l.account_id, l.source AS kind, l.source_id AS document,
       CASE WHEN l.claims_invoice_id IS NULL THEN 'InvoiceIssued, number ' || l.claims_number
            ELSE 'InvoiceIssued ' || l.claims_invoice_id END AS waits_for,
       coalesce(p.first_seen, n.first_seen) AS since
  FROM receivables.remittance_line l
  LEFT JOIN receivables.payment p
    ON l.source = 'payment' AND p.account_id = l.account_id AND p.payment_id = l.source_id
  LEFT JOIN receivables.document n
    ON l.source = 'credit_note' AND n.account_id = l.account_id AND n.kind = 'credit_note'
   AND n.document_id = l.source_id
 WHERE p.reversed_date IS NULL
   AND ((l.claims_invoice_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM receivables.document d
                         WHERE d.account_id = l.account_id AND d.kind IN ('invoice', 'debit_note')
                           AND d.document_id = l.claims_invoice_id AND d.issued))
    OR (l.claims_number IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM receivables.document d
                         WHERE d.account_id = l.account_id AND d.number = l.claims_number
                           AND d.kind <> 'credit_note' AND d.cancel_content IS NULL
                           AND d.currency = l.currency AND d.company_id = l.company_id)))
 UNION ALL
SELECT 'receivables', account_id, 'reversal', payment_id, 'PaymentReceived', reversal_seen
  FROM receivables.payment
 WHERE NOT received
 UNION ALL
SELECT 'receivables', account_id, 'cancellation', document_id, 'InvoiceIssued', cancel_seen
  FROM receivables.document
 WHERE NOT issued AND cancel_content IS NOT NULL;

-- What was open on a date, by age, of all customers or of one; docs/rules/receivables.md. The two
-- SELECTs are one condition: written with OR, it would read all movements for one customer too.
CREATE FUNCTION o2c.ageing(as_of date, of_customer text DEFAULT NULL)
    RETURNS TABLE (customer_id text, currency text, not_due bigint, d1_30 bigint, d31_60 bigint,
                   d61_90 bigint, d91_120 bigint, d121_plus bigint, unapplied bigint, total bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
WITH moved AS (
    SELECT * FROM receivables.movement WHERE of_customer IS NULL AND effective_date <= as_of
     UNION ALL
    SELECT * FROM receivables.movement
     WHERE customer_id = of_customer AND effective_date <= as_of
), item AS (
    SELECT m.customer_id, m.currency, m.subject IN ('payment', 'credit_note') AS credit,
           as_of - min(m.due_date) AS age, sum(m.delta_minor) AS left_minor
      FROM moved m
     GROUP BY m.account_id, m.customer_id, m.currency, m.subject, m.subject_id, m.instalment_no
), aged AS (
    SELECT customer_id, currency,
           CASE WHEN credit <> (left_minor < 0) THEN 'u' WHEN credit OR age <= 0 THEN '0'
                WHEN age <= 30 THEN '1' WHEN age <= 60 THEN '2' WHEN age <= 90 THEN '3'
                WHEN age <= 120 THEN '4' ELSE '5' END AS bucket,
           abs(left_minor) AS left_minor
      FROM item
)
SELECT customer_id, currency,
       coalesce(sum(left_minor) FILTER (WHERE bucket = '0'), 0)::bigint,
       coalesce(sum(left_minor) FILTER (WHERE bucket = '1'), 0)::bigint,
       coalesce(sum(left_minor) FILTER (WHERE bucket = '2'), 0)::bigint,
       coalesce(sum(left_minor) FILTER (WHERE bucket = '3'), 0)::bigint,
       coalesce(sum(left_minor) FILTER (WHERE bucket = '4'), 0)::bigint,
       coalesce(sum(left_minor) FILTER (WHERE bucket = '5'), 0)::bigint,
       coalesce(sum(left_minor) FILTER (WHERE bucket = 'u'), 0)::bigint,
       sum(CASE WHEN bucket = 'u' THEN -left_minor ELSE left_minor END)::bigint
  FROM aged
 GROUP BY customer_id, currency
HAVING bool_or(left_minor <> 0)
 ORDER BY customer_id COLLATE "C", currency COLLATE "C"
$$;

-- Opening balance, what moved it, closing balance: per currency, the balance running along.
CREATE FUNCTION o2c.customer_statement(customer_id text, from_date date, to_date date)
    RETURNS TABLE (currency text, line_no bigint, date date, kind text, reference text,
                   debit_minor bigint, credit_minor bigint, balance_minor bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
WITH moved AS (
    SELECT m.currency, m.effective_date,
           CASE WHEN m.cause IN ('issued', 'received') THEN m.subject ELSE m.cause END AS kind,
           m.cause_id AS reference,
           sum(CASE WHEN m.subject IN ('payment', 'credit_note') THEN -m.delta_minor
                    ELSE m.delta_minor END) AS delta
      FROM receivables.movement m
     WHERE m.customer_id = customer_statement.customer_id AND m.effective_date <= to_date
     GROUP BY 1, 2, 3, 4
    HAVING sum(CASE WHEN m.subject IN ('payment', 'credit_note') THEN -m.delta_minor
                    ELSE m.delta_minor END) <> 0
), line AS (
    SELECT currency, 0 AS place, from_date AS date, 'opening' AS kind, NULL::text AS reference,
           coalesce(sum(delta) FILTER (WHERE effective_date < from_date), 0) AS delta
      FROM moved GROUP BY currency
     UNION ALL
    SELECT currency, 1, effective_date, kind, reference, delta
      FROM moved WHERE effective_date >= from_date
     UNION ALL
    SELECT DISTINCT currency, 2, to_date, 'closing', NULL::text, 0::numeric
      FROM moved
)
SELECT currency, row_number() OVER (PARTITION BY currency ORDER BY place, date, kind, reference),
       date, kind, reference,
       CASE WHEN place = 1 AND delta > 0 THEN delta END::bigint,
       CASE WHEN place = 1 AND delta < 0 THEN -delta END::bigint,
       (sum(delta) OVER (PARTITION BY currency ORDER BY place, date, kind, reference))::bigint
  FROM line
 ORDER BY currency COLLATE "C", 2
$$;

REVOKE EXECUTE ON FUNCTION o2c.ageing(date, text), o2c.customer_statement(text, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION o2c.ageing(date, text), o2c.customer_statement(text, date, date) TO o2c_reader;

-- Where invoices, debit notes and payments stand; part of o2c.flow. Overdue is what is due before
-- today (UTC), of instalments: since the day after the earliest.
CREATE TABLE receivables.flow_limit (
    stage text PRIMARY KEY,
    days  integer NOT NULL                   -- longer in the stage is stuck
);
INSERT INTO receivables.flow_limit VALUES
    ('open', 90),
    ('overdue', 30),
    ('unapplied', 5);

CREATE VIEW receivables.flow AS
WITH item AS (
    SELECT 'open' AS stage, currency, open_minor AS amount_minor,
           issue_date::timestamp AT TIME ZONE 'UTC' AS since
      FROM receivables.document
     WHERE issued AND kind <> 'credit_note' AND open_minor > 0
     UNION ALL
    SELECT 'overdue', d.currency, sum(i.open_minor),
           (min(i.due_date) + 1)::timestamp AT TIME ZONE 'UTC'
      FROM receivables.open_item i JOIN receivables.document d USING (account_id, kind, document_id)
     WHERE kind <> 'credit_note' AND i.open_minor > 0
       AND i.due_date < (now() AT TIME ZONE 'UTC')::date
     GROUP BY account_id, kind, document_id, d.currency
     UNION ALL
    SELECT 'unapplied', currency, unapplied_minor, received_date::timestamp AT TIME ZONE 'UTC'
      FROM receivables.payment
     WHERE received AND unapplied_minor > 0
)
SELECT stage, count(*) AS documents, sum(amount_minor)::bigint AS amount_minor,
       min(since) AS oldest_since,
       count(*) FILTER (WHERE since < now() - make_interval(days => days)) AS stuck, currency
  FROM item JOIN receivables.flow_limit USING (stage)
 GROUP BY stage, currency;

-- What must add up whenever the pipeline is drained; each row a finding.
CREATE FUNCTION receivables.verify() RETURNS SETOF text LANGUAGE sql STABLE AS $$
SELECT format('%s %s of account %s: open %s, its instalments %s', d.kind, d.document_id, d.account_id,
              d.open_minor, i.open_minor)
  FROM receivables.document d
  LEFT JOIN LATERAL (SELECT coalesce(sum(open_minor), 0) AS open_minor FROM receivables.open_item i
                      WHERE i.account_id = d.account_id AND i.kind = d.kind
                        AND i.document_id = d.document_id) i ON true
 WHERE d.open_minor <> i.open_minor
 UNION ALL
SELECT format('%s %s of account %s: open %s, issued less applied, credited, discount and written off %s',
              kind, document_id, account_id, open_minor,
              gross_minor - applied_minor - credited_minor - discount_minor - written_off_minor)
  FROM receivables.document
 WHERE issued AND cancel_content IS NULL
   AND open_minor <> gross_minor - applied_minor - credited_minor - discount_minor - written_off_minor
 UNION ALL
SELECT format('cancelled invoice %s of account %s: something is open or applied', document_id, account_id)
  FROM receivables.document
 WHERE issued AND cancel_content IS NOT NULL
   AND (open_minor <> 0 OR applied_minor <> 0 OR credited_minor <> 0 OR discount_minor <> 0)
 UNION ALL
SELECT format('%s %s instalment %s of account %s: open %s, its movements %s', i.kind, i.document_id,
              i.instalment_no, i.account_id, i.open_minor, coalesce(m.sum, 0))
  FROM receivables.open_item i
  LEFT JOIN (SELECT account_id, subject, subject_id, instalment_no, sum(delta_minor)
               FROM receivables.movement GROUP BY 1, 2, 3, 4) m
    ON m.account_id = i.account_id AND m.subject = i.kind AND m.subject_id = i.document_id
   AND m.instalment_no = i.instalment_no
 WHERE i.open_minor <> coalesce(m.sum, 0) OR i.open_minor NOT BETWEEN 0 AND i.amount_minor
 UNION ALL
SELECT format('payment %s of account %s: unapplied %s, its movements %s', p.payment_id, p.account_id,
              p.unapplied_minor, coalesce(m.sum, 0))
  FROM receivables.payment p
  LEFT JOIN (SELECT account_id, subject_id, sum(delta_minor)
               FROM receivables.movement WHERE subject = 'payment' GROUP BY 1, 2) m
    ON m.account_id = p.account_id AND m.subject_id = p.payment_id
 WHERE p.unapplied_minor <> coalesce(m.sum, 0)
    OR (p.received AND p.reversed_date IS NULL
        AND p.unapplied_minor <> p.amount_minor - p.applied_minor)
    OR (p.reversed_date IS NOT NULL AND p.unapplied_minor <> 0)
 UNION ALL
SELECT format('payment %s of account %s: applied %s, its live applications %s', p.payment_id,
              p.account_id, p.applied_minor, coalesce(a.sum, 0))
  FROM receivables.payment p
  LEFT JOIN (SELECT account_id, source_id, sum(applied_minor)
               FROM receivables.allocation WHERE source = 'payment' AND undone_date IS NULL
              GROUP BY 1, 2) a
    ON a.account_id = p.account_id AND a.source_id = p.payment_id
 WHERE p.reversed_date IS NULL AND p.applied_minor <> coalesce(a.sum, 0)
 UNION ALL
SELECT format('%s %s of account %s: what is applied to it differs from its live applications',
              d.kind, d.document_id, d.account_id)
  FROM receivables.document d
  LEFT JOIN (SELECT account_id, kind, document_id,
                    coalesce(sum(applied_minor) FILTER (WHERE source = 'payment'), 0) AS cash,
                    coalesce(sum(applied_minor) FILTER (WHERE source <> 'payment'), 0) AS credit,
                    sum(discount_minor) AS discount
               FROM receivables.allocation WHERE undone_date IS NULL GROUP BY 1, 2, 3) a
    USING (account_id, kind, document_id)
 WHERE d.issued AND d.kind <> 'credit_note'
   AND (d.applied_minor, d.credited_minor, d.discount_minor)
       IS DISTINCT FROM (coalesce(a.cash, 0), coalesce(a.credit, 0), coalesce(a.discount, 0))
 UNION ALL
SELECT format('%s %s of account %s: disputed %s, its instalments %s, its active disputes %s of %s open',
              kind, document_id, account_id, document.disputed_minor, coalesce(i.disputed_minor, 0),
              coalesce(a.amount_minor, 0), open_minor)
  FROM receivables.document
  LEFT JOIN (SELECT account_id, kind, document_id, sum(disputed_minor) AS disputed_minor
               FROM receivables.open_item GROUP BY 1, 2, 3) i
    USING (account_id, kind, document_id)
  LEFT JOIN (SELECT account_id, kind, document_id, sum(amount_minor) AS amount_minor
               FROM receivables.dispute WHERE active GROUP BY 1, 2, 3) a
    USING (account_id, kind, document_id)
 WHERE issued AND kind <> 'credit_note'
   AND (document.disputed_minor <> coalesce(i.disputed_minor, 0)
        OR document.disputed_minor <> least(open_minor, coalesce(a.amount_minor, 0)))
 UNION ALL
SELECT format('customer %s of account %s with company %s in %s: totals differ from the items',
              b.customer_id, b.account_id, b.company_id, b.currency)
  FROM receivables.balance b
  LEFT JOIN (SELECT account_id, customer_id, company_id, currency,
                    coalesce(sum(open_minor) FILTER (WHERE kind <> 'credit_note'), 0) AS open_minor,
                    coalesce(sum(open_minor) FILTER (WHERE kind = 'credit_note'), 0) AS credit_minor,
                    coalesce(sum(disputed_minor), 0) AS disputed_minor
               FROM receivables.document WHERE issued GROUP BY 1, 2, 3, 4) d
    USING (account_id, customer_id, company_id, currency)
  LEFT JOIN (SELECT account_id, customer_id, company_id, currency,
                    sum(unapplied_minor) AS unapplied_minor
               FROM receivables.payment WHERE received GROUP BY 1, 2, 3, 4) p
    USING (account_id, customer_id, company_id, currency)
 WHERE (b.open_minor, b.credit_minor, b.disputed_minor, b.unapplied_minor)
       IS DISTINCT FROM (coalesce(d.open_minor, 0), coalesce(d.credit_minor, 0),
                         coalesce(d.disputed_minor, 0), coalesce(p.unapplied_minor, 0))
    OR b.receivable_minor <> b.open_minor - b.credit_minor
    OR b.unapplied_control_minor <> b.unapplied_minor
$$;

-- Equal for equal content, whatever the order of arrival: documents, open items, payments and
-- balances without times of arrival, counts of what happened and what the first arrival fixed.
-- An account's lines, sorted, are hashed; then the accounts with their hashes, sorted.
CREATE FUNCTION receivables.digest() RETURNS text LANGUAGE sql STABLE AS $$
WITH line AS (
    SELECT account_id,
           jsonb_build_array('document', kind, document_id, number, issued, customer_id, company_id,
                             order_id, currency, issue_date, last_due_date, gross_minor, net_minor,
                             tax_minor, applied_minor, credited_minor, discount_minor,
                             written_off_minor, open_minor, claimed_dispute_minor, disputed_minor,
                             offered_discount_minor, discount_until, state, closed_date, opening,
                             remind, cancelled_date)::text AS said
      FROM receivables.document
     UNION ALL
    SELECT account_id, jsonb_build_array('open_item', kind, document_id, instalment_no, due_date,
                                         amount_minor, open_minor, disputed_minor)::text
      FROM receivables.open_item
     UNION ALL
    SELECT account_id,
           jsonb_build_array('payment', payment_id, received, customer_id, company_id, currency,
                             received_date, amount_minor, applied_minor, unapplied_minor, opening,
                             state, reversed_date, reversal_reason)::text
      FROM receivables.payment
     UNION ALL
    SELECT account_id, jsonb_build_array('balance', customer_id, company_id, currency, open_minor,
                                         credit_minor, unapplied_minor, disputed_minor,
                                         receivable_minor, unapplied_control_minor)::text
      FROM receivables.balance
), account AS (
    SELECT account_id,
           sha256(convert_to(string_agg(said, E'\n' ORDER BY said COLLATE "C"), 'UTF8')) AS hash
      FROM line
     GROUP BY account_id
)
SELECT encode(sha256(coalesce(string_agg(convert_to(to_jsonb(account_id)::text, 'UTF8') || hash, ''
                                         ORDER BY account_id COLLATE "C"), '')), 'hex')
  FROM account
$$;
