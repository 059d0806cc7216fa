-- PostgreSQL 18, migrations 359756e88571cd208077b9c19350a8bb
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.api_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    secret_sha256 character varying(64) NOT NULL,
    scopes text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone
);
CREATE TABLE public.categories (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    former_keys text[] DEFAULT '{}'::text[] NOT NULL,
    archived_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.content_identities (
    content_id uuid NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    owner text NOT NULL
);
CREATE TABLE public.content_texts (
    content_id uuid NOT NULL,
    text text NOT NULL,
    tsv tsvector NOT NULL
)
WITH (toast_tuple_target='128');
CREATE TABLE public.contents (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner text NOT NULL,
    sha256 character varying(64) NOT NULL,
    media_type text NOT NULL,
    size_bytes bigint DEFAULT 0 NOT NULL,
    canonical_receipt_id uuid,
    claimed_at timestamp with time zone DEFAULT now() NOT NULL,
    settled character varying(16),
    settled_code text,
    settled_reason text,
    settled_as uuid,
    parts bigint DEFAULT 1 NOT NULL
);
CREATE TABLE public.corrections (
    id bigint NOT NULL,
    content_id uuid NOT NULL,
    decision_id bigint NOT NULL,
    part integer DEFAULT 0 NOT NULL,
    field text NOT NULL,
    value jsonb NOT NULL,
    taken_back boolean DEFAULT false NOT NULL,
    before jsonb NOT NULL,
    machine jsonb NOT NULL,
    reason text,
    actor text NOT NULL,
    via character varying(16) NOT NULL,
    person_id uuid,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
ALTER TABLE public.corrections ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.corrections_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.decisions (
    id bigint NOT NULL,
    content_id uuid NOT NULL,
    kind character varying(16) NOT NULL,
    code text,
    reason text,
    previous jsonb NOT NULL,
    undoes bigint,
    actor text NOT NULL,
    via character varying(16) NOT NULL,
    person_id uuid,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
ALTER TABLE public.decisions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.decisions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.distinct_purchases (
    content_id uuid NOT NULL,
    other_id uuid NOT NULL
);
CREATE TABLE public.exchange_rates (
    currency character varying(3) NOT NULL,
    day date NOT NULL,
    per_euro numeric NOT NULL,
    source text NOT NULL
);
CREATE TABLE public.expense_taxes (
    expense_id uuid NOT NULL,
    "position" integer NOT NULL,
    rate numeric,
    net numeric,
    amount numeric
);
CREATE TABLE public.expenses (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    content_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    extraction_id uuid NOT NULL,
    owner text NOT NULL,
    merchant text,
    purchase_date date,
    purchase_time time without time zone,
    total numeric NOT NULL,
    subtotal numeric,
    tax numeric,
    tip numeric,
    rounding numeric,
    currency character varying(3),
    country text,
    receipt_number text,
    payment_method text,
    revision bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    public_id text NOT NULL,
    voided_at timestamp with time zone,
    void_reason text,
    part bigint DEFAULT 0 NOT NULL,
    notes text,
    category text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    home_currency character varying(3),
    home_total numeric,
    rate numeric,
    rate_day date,
    rate_source text,
    CONSTRAINT ck_expenses_ck_expenses_total_is_a_number CHECK (((total <> 'NaN'::numeric) AND (abs(total) < 'Infinity'::numeric)))
);
CREATE TABLE public.export_accounts (
    owner text NOT NULL,
    target text NOT NULL,
    kind character varying(16) NOT NULL,
    value text NOT NULL,
    account text NOT NULL
);
CREATE TABLE public.export_items (
    id bigint NOT NULL,
    export_id bigint NOT NULL,
    owner text NOT NULL,
    target text NOT NULL,
    public_id text NOT NULL,
    revision bigint NOT NULL,
    version bigint NOT NULL,
    sha256 character varying(64) NOT NULL,
    voided boolean NOT NULL,
    entry jsonb,
    remote_id text,
    exported_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.export_items ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.export_items_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.exports (
    id bigint NOT NULL,
    owner text NOT NULL,
    target text NOT NULL,
    number bigint NOT NULL,
    date_from date,
    date_to date,
    new bigint DEFAULT '0'::bigint NOT NULL,
    changed bigint DEFAULT '0'::bigint NOT NULL,
    voided bigint DEFAULT '0'::bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone
);
ALTER TABLE public.exports ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.exports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.extractions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    content_id uuid NOT NULL,
    engine text NOT NULL,
    engine_version text NOT NULL,
    parser_version text NOT NULL,
    fields jsonb NOT NULL,
    words_key text DEFAULT ''::text NOT NULL,
    decision text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.line_items (
    expense_id uuid NOT NULL,
    "position" integer NOT NULL,
    description text NOT NULL,
    quantity numeric,
    unit_price numeric,
    discount numeric,
    total numeric,
    category text
);
CREATE TABLE public.notifications (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    receipt_id uuid NOT NULL,
    owner text NOT NULL,
    kind character varying(32) NOT NULL,
    channel text NOT NULL,
    payload jsonb NOT NULL,
    state character varying(16) DEFAULT 'pending'::character varying NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    claimant jsonb,
    claimed_at timestamp with time zone,
    next_attempt_at timestamp with time zone DEFAULT now() NOT NULL,
    sent_at timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revision bigint DEFAULT 0 NOT NULL,
    part bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.owner_settings (
    owner text NOT NULL,
    home_currency character varying(3),
    year_starts character varying(5) DEFAULT '01-01'::character varying NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.people (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    folded_name text NOT NULL,
    role character varying(16) NOT NULL,
    password_hash text,
    language text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    disabled_at timestamp with time zone,
    time_zone text,
    openid_subject text
);
CREATE TABLE public.receipts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    bucket text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    etag text NOT NULL COLLATE pg_catalog."C",
    version_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    size_bytes bigint DEFAULT 0 NOT NULL,
    owner text NOT NULL,
    source character varying(16) CONSTRAINT receipts_door_not_null NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    state character varying(16) DEFAULT 'waiting'::character varying NOT NULL,
    reason_code text,
    reason text,
    sha256 character varying(64),
    content_id uuid,
    duplicate_of uuid,
    flow_run_id uuid,
    attempt bigint DEFAULT 0 NOT NULL,
    reopened bigint DEFAULT 0 NOT NULL,
    crashes bigint DEFAULT 0 NOT NULL,
    crash_reason text,
    crashed_attempt bigint DEFAULT 0 NOT NULL,
    steps_done text[] DEFAULT '{}'::text[] NOT NULL,
    process jsonb,
    heartbeat_at timestamp with time zone,
    held boolean DEFAULT false NOT NULL,
    idempotency_key text,
    pipeline_version text,
    priority bigint DEFAULT 0 NOT NULL,
    submitted_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    same_purchase_as uuid
);
CREATE TABLE public.rule_uses (
    rule_id bigint NOT NULL,
    content_id uuid NOT NULL
);
CREATE TABLE public.rules (
    id bigint NOT NULL,
    owner text NOT NULL,
    kind character varying(16) NOT NULL,
    identity_kind text NOT NULL,
    identity_value text NOT NULL,
    result text NOT NULL,
    content_id uuid,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    disabled boolean DEFAULT false NOT NULL,
    disabled_reason text,
    set_by text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.rules ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rules_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.saved_filters (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    person_id uuid NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    person_id uuid NOT NULL,
    token_sha256 character varying(64) NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone
);
CREATE TABLE public.sign_in_links (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    person_id uuid NOT NULL,
    token_sha256 character varying(64) NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);
CREATE TABLE public.state_changes (
    id bigint NOT NULL,
    receipt_id uuid NOT NULL,
    from_state character varying(16),
    to_state character varying(16),
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    flow_run_id uuid,
    attempt bigint DEFAULT 0 NOT NULL,
    reason text
);
ALTER TABLE public.state_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.state_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.uploads (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner text NOT NULL,
    bucket text NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    media_type text NOT NULL,
    idempotency_key text,
    "position" bigint DEFAULT 0 NOT NULL,
    sha256 character varying(64),
    receipt_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone
);
CREATE TABLE public.webhooks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner text NOT NULL,
    url text NOT NULL,
    secret text NOT NULL,
    kinds text[] DEFAULT '{}'::text[] NOT NULL,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
INSERT INTO public.alembic_version VALUES ('0017');
SELECT pg_catalog.setval('public.corrections_id_seq', 1, false);
SELECT pg_catalog.setval('public.decisions_id_seq', 1, false);
SELECT pg_catalog.setval('public.export_items_id_seq', 1, false);
SELECT pg_catalog.setval('public.exports_id_seq', 1, false);
SELECT pg_catalog.setval('public.rules_id_seq', 1, false);
SELECT pg_catalog.setval('public.state_changes_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT pk_api_keys PRIMARY KEY (id);
ALTER TABLE ONLY public.categories
    ADD CONSTRAINT pk_categories PRIMARY KEY (id);
ALTER TABLE ONLY public.content_identities
    ADD CONSTRAINT pk_content_identities PRIMARY KEY (content_id, kind, value);
ALTER TABLE ONLY public.content_texts
    ADD CONSTRAINT pk_content_texts PRIMARY KEY (content_id);
ALTER TABLE ONLY public.contents
    ADD CONSTRAINT pk_contents PRIMARY KEY (id);
ALTER TABLE ONLY public.corrections
    ADD CONSTRAINT pk_corrections PRIMARY KEY (id);
ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT pk_decisions PRIMARY KEY (id);
ALTER TABLE ONLY public.distinct_purchases
    ADD CONSTRAINT pk_distinct_purchases PRIMARY KEY (content_id, other_id);
ALTER TABLE ONLY public.exchange_rates
    ADD CONSTRAINT pk_exchange_rates PRIMARY KEY (currency, day);
ALTER TABLE ONLY public.expense_taxes
    ADD CONSTRAINT pk_expense_taxes PRIMARY KEY (expense_id, "position");
ALTER TABLE ONLY public.expenses
    ADD CONSTRAINT pk_expenses PRIMARY KEY (id);
ALTER TABLE ONLY public.export_accounts
    ADD CONSTRAINT pk_export_accounts PRIMARY KEY (owner, target, kind, value);
ALTER TABLE ONLY public.export_items
    ADD CONSTRAINT pk_export_items PRIMARY KEY (id);
ALTER TABLE ONLY public.exports
    ADD CONSTRAINT pk_exports PRIMARY KEY (id);
ALTER TABLE ONLY public.extractions
    ADD CONSTRAINT pk_extractions PRIMARY KEY (id);
ALTER TABLE ONLY public.line_items
    ADD CONSTRAINT pk_line_items PRIMARY KEY (expense_id, "position");
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT pk_notifications PRIMARY KEY (id);
ALTER TABLE ONLY public.owner_settings
    ADD CONSTRAINT pk_owner_settings PRIMARY KEY (owner);
ALTER TABLE ONLY public.people
    ADD CONSTRAINT pk_people PRIMARY KEY (id);
ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT pk_receipts PRIMARY KEY (id);
ALTER TABLE ONLY public.rule_uses
    ADD CONSTRAINT pk_rule_uses PRIMARY KEY (rule_id, content_id);
ALTER TABLE ONLY public.rules
    ADD CONSTRAINT pk_rules PRIMARY KEY (id);
ALTER TABLE ONLY public.saved_filters
    ADD CONSTRAINT pk_saved_filters PRIMARY KEY (id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT pk_sessions PRIMARY KEY (id);
ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT pk_sign_in_links PRIMARY KEY (id);
ALTER TABLE ONLY public.state_changes
    ADD CONSTRAINT pk_state_changes PRIMARY KEY (id);
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT pk_uploads PRIMARY KEY (id);
ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT pk_webhooks PRIMARY KEY (id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT uq_api_keys_secret_sha256 UNIQUE (secret_sha256);
ALTER TABLE ONLY public.categories
    ADD CONSTRAINT uq_categories_owner_key UNIQUE (owner, key);
ALTER TABLE ONLY public.contents
    ADD CONSTRAINT uq_contents_owner_sha256 UNIQUE (owner, sha256);
ALTER TABLE ONLY public.expenses
    ADD CONSTRAINT uq_expenses_content_id_part UNIQUE (content_id, part);
ALTER TABLE ONLY public.expenses
    ADD CONSTRAINT uq_expenses_public_id UNIQUE (public_id);
ALTER TABLE ONLY public.export_items
    ADD CONSTRAINT uq_export_items_export_id_public_id UNIQUE (export_id, public_id);
ALTER TABLE ONLY public.exports
    ADD CONSTRAINT uq_exports_owner_target_number UNIQUE (owner, target, number);
ALTER TABLE ONLY public.extractions
    ADD CONSTRAINT uq_extractions_content_id_engine_engine_version_parser_version UNIQUE (content_id, engine, engine_version, parser_version);
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT uq_notifications_receipt_id_kind_channel_revision_part UNIQUE (receipt_id, kind, channel, revision, part);
ALTER TABLE ONLY public.people
    ADD CONSTRAINT uq_people_folded_name UNIQUE (folded_name);
ALTER TABLE ONLY public.people
    ADD CONSTRAINT uq_people_openid_subject UNIQUE (openid_subject);
ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT uq_receipts_bucket_key_etag_version_id UNIQUE (bucket, key, etag, version_id);
ALTER TABLE ONLY public.rules
    ADD CONSTRAINT uq_rules_owner_kind_identity_kind_identity_value UNIQUE (owner, kind, identity_kind, identity_value);
ALTER TABLE ONLY public.saved_filters
    ADD CONSTRAINT uq_saved_filters_person_id_name UNIQUE (person_id, name);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT uq_sessions_token_sha256 UNIQUE (token_sha256);
ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT uq_sign_in_links_token_sha256 UNIQUE (token_sha256);
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uq_uploads_bucket_key UNIQUE (bucket, key);
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uq_uploads_owner_idempotency_key_position UNIQUE (owner, idempotency_key, "position");
CREATE INDEX ix_api_keys_owner ON public.api_keys USING btree (owner);
CREATE INDEX ix_content_identities_owner_kind_value ON public.content_identities USING btree (owner, kind, value);
CREATE INDEX ix_content_texts_tsv ON public.content_texts USING gin (tsv);
CREATE INDEX ix_contents_canonical_receipt_id ON public.contents USING btree (canonical_receipt_id);
CREATE INDEX ix_contents_settled_as ON public.contents USING btree (settled_as) WHERE (settled_as IS NOT NULL);
CREATE INDEX ix_contents_sha256 ON public.contents USING btree (sha256);
CREATE INDEX ix_corrections_content_id_id ON public.corrections USING btree (content_id, id);
CREATE INDEX ix_corrections_decision_id ON public.corrections USING btree (decision_id);
CREATE INDEX ix_decisions_content_id_id ON public.decisions USING btree (content_id, id);
CREATE INDEX ix_decisions_undoes ON public.decisions USING btree (undoes) WHERE (undoes IS NOT NULL);
CREATE INDEX ix_distinct_purchases_other_id ON public.distinct_purchases USING btree (other_id);
CREATE INDEX ix_expenses_extraction_id ON public.expenses USING btree (extraction_id);
CREATE INDEX ix_expenses_owner_created_at_id ON public.expenses USING btree (owner, created_at, id);
CREATE INDEX ix_expenses_owner_purchase_date ON public.expenses USING btree (owner, purchase_date);
CREATE INDEX ix_expenses_receipt_id ON public.expenses USING btree (receipt_id);
CREATE INDEX ix_expenses_sums ON public.expenses USING btree (owner, purchase_date, currency) INCLUDE (total, content_id, id, category, home_currency, home_total, rate) WHERE (voided_at IS NULL);
CREATE INDEX ix_export_items_owner_target_public_id_id ON public.export_items USING btree (owner, target, public_id, id);
CREATE INDEX ix_line_items_with_category ON public.line_items USING btree (expense_id) WHERE (category IS NOT NULL);
CREATE INDEX ix_notifications_due ON public.notifications USING btree (next_attempt_at, id) WHERE ((state)::text = 'pending'::text);
CREATE INDEX ix_notifications_owner_created_at_id ON public.notifications USING btree (owner, created_at, id);
CREATE INDEX ix_people_owner ON public.people USING btree (owner);
CREATE INDEX ix_receipts_content_id ON public.receipts USING btree (content_id);
CREATE INDEX ix_receipts_duplicate_of ON public.receipts USING btree (duplicate_of) WHERE (duplicate_of IS NOT NULL);
CREATE INDEX ix_receipts_flow_run_id ON public.receipts USING btree (flow_run_id);
CREATE INDEX ix_receipts_owner_received_at_id ON public.receipts USING btree (owner, received_at, id);
CREATE INDEX ix_receipts_owner_state_received_at_id ON public.receipts USING btree (owner, state, received_at, id);
CREATE INDEX ix_receipts_received_at_id ON public.receipts USING btree (received_at, id);
CREATE INDEX ix_receipts_running ON public.receipts USING btree (id) WHERE ((state)::text = 'running'::text);
CREATE INDEX ix_receipts_same_purchase_as ON public.receipts USING btree (same_purchase_as) WHERE (same_purchase_as IS NOT NULL);
CREATE INDEX ix_receipts_state_received_at ON public.receipts USING btree (state, received_at);
CREATE INDEX ix_receipts_waiting ON public.receipts USING btree (priority, received_at, id) WHERE (((state)::text = 'waiting'::text) AND (NOT held));
CREATE INDEX ix_rule_uses_content_id ON public.rule_uses USING btree (content_id);
CREATE INDEX ix_rules_content_id ON public.rules USING btree (content_id);
CREATE INDEX ix_sessions_person_id ON public.sessions USING btree (person_id);
CREATE INDEX ix_sign_in_links_person_id ON public.sign_in_links USING btree (person_id);
CREATE INDEX ix_state_changes_receipt_id_id ON public.state_changes USING btree (receipt_id, id);
CREATE INDEX ix_uploads_owner_sha256 ON public.uploads USING btree (owner, sha256);
CREATE INDEX ix_uploads_receipt_id ON public.uploads USING btree (receipt_id);
CREATE INDEX ix_webhooks_owner ON public.webhooks USING btree (owner);
ALTER TABLE ONLY public.content_identities
    ADD CONSTRAINT fk_content_identities_content_id FOREIGN KEY (content_id) REFERENCES public.contents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.content_texts
    ADD CONSTRAINT fk_content_texts_content_id FOREIGN KEY (content_id) REFERENCES public.contents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.contents
    ADD CONSTRAINT fk_contents_canonical_receipt_id FOREIGN KEY (canonical_receipt_id) REFERENCES public.receipts(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.contents
    ADD CONSTRAINT fk_contents_settled_as FOREIGN KEY (settled_as) REFERENCES public.receipts(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.corrections
    ADD CONSTRAINT fk_corrections_content_id FOREIGN KEY (content_id) REFERENCES public.contents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.corrections
    ADD CONSTRAINT fk_corrections_decision_id FOREIGN KEY (decision_id) REFERENCES public.decisions(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT fk_decisions_content_id FOREIGN KEY (content_id) REFERENCES public.contents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT fk_decisions_undoes FOREIGN KEY (undoes) REFERENCES public.decisions(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.distinct_purchases
    ADD CONSTRAINT fk_distinct_purchases_content_id FOREIGN KEY (content_id) REFERENCES public.contents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.distinct_purchases
    ADD CONSTRAINT fk_distinct_purchases_other_id FOREIGN KEY (other_id) REFERENCES public.contents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.expense_taxes
    ADD CONSTRAINT fk_expense_taxes_expense_id FOREIGN KEY (expense_id) REFERENCES public.expenses(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.expenses
    ADD CONSTRAINT fk_expenses_content_id FOREIGN KEY (content_id) REFERENCES public.contents(id);
ALTER TABLE ONLY public.expenses
    ADD CONSTRAINT fk_expenses_extraction_id FOREIGN KEY (extraction_id) REFERENCES public.extractions(id);
ALTER TABLE ONLY public.expenses
    ADD CONSTRAINT fk_expenses_receipt_id FOREIGN KEY (receipt_id) REFERENCES public.receipts(id);
ALTER TABLE ONLY public.export_items
    ADD CONSTRAINT fk_export_items_export_id FOREIGN KEY (export_id) REFERENCES public.exports(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.extractions
    ADD CONSTRAINT fk_extractions_content_id FOREIGN KEY (content_id) REFERENCES public.contents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.line_items
    ADD CONSTRAINT fk_line_items_expense_id FOREIGN KEY (expense_id) REFERENCES public.expenses(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT fk_notifications_receipt_id FOREIGN KEY (receipt_id) REFERENCES public.receipts(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT fk_receipts_content_id FOREIGN KEY (content_id) REFERENCES public.contents(id);
ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT fk_receipts_duplicate_of FOREIGN KEY (duplicate_of) REFERENCES public.receipts(id);
ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT fk_receipts_same_purchase_as FOREIGN KEY (same_purchase_as) REFERENCES public.receipts(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.rule_uses
    ADD CONSTRAINT fk_rule_uses_content_id FOREIGN KEY (content_id) REFERENCES public.contents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.rule_uses
    ADD CONSTRAINT fk_rule_uses_rule_id FOREIGN KEY (rule_id) REFERENCES public.rules(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.rules
    ADD CONSTRAINT fk_rules_content_id FOREIGN KEY (content_id) REFERENCES public.contents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.saved_filters
    ADD CONSTRAINT fk_saved_filters_person_id FOREIGN KEY (person_id) REFERENCES public.people(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT fk_sessions_person_id FOREIGN KEY (person_id) REFERENCES public.people(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT fk_sign_in_links_person_id FOREIGN KEY (person_id) REFERENCES public.people(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT fk_uploads_receipt_id FOREIGN KEY (receipt_id) REFERENCES public.receipts(id) ON DELETE CASCADE;
