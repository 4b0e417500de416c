-- What credit notes that name a dispute come to. Programs of before count none.
-- compatible from 1
ALTER TABLE disputes.dispute ADD COLUMN named_credit_minor bigint NOT NULL DEFAULT 0;
CREATE TYPE disputes.dispute_row_2 AS (
    account_id text, dispute_id text, live_document_id text, document_id text,
    customer_id text, company_id text, reason_code text, line_no integer,
    raised_minor bigint, amount_minor bigint, state text, resolution text,
    opened_at timestamptz, opened_credited_minor bigint, assignee text, decision text,
    decided_minor bigint, raised_content bytea, decided_content bytea,
    raised_seen timestamptz, decided_seen timestamptz, first_seen timestamptz,
    withdrawn boolean, named_credit_minor bigint);
