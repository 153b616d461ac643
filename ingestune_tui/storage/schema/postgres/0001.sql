-- writable_from: 1
-- The shared copy, version 1. `body` is, letter by letter, what the SQLite file of the sender holds, and every other
-- column of a row is computed from it, so that no two columns can disagree and md5(body) tells whether a row is equal.
-- `rev` grows with each change of a row; `origin` is the database that sent it.

create table ingestune.meta (
  name text primary key,
  value text not null
);

insert into ingestune.meta values ('copy_id', gen_random_uuid()::text);

create table ingestune.schema_version (
  version integer primary key,
  writable_from integer not null,             -- clients that write this schema version or a later one may go on
  applied_at timestamptz not null default now(),
  applied_by text not null
);

create table ingestune.client (
  id text primary key,                        -- of a results database: `origin` elsewhere
  host text not null,
  program text not null,
  writes_schema integer not null,             -- the newest schema that it can write
  seen_at timestamptz not null
);

-- The moment in a text that names its time zone, or NULL for an empty one.
create function ingestune.moment(stamp text) returns timestamptz
  language sql immutable strict parallel safe
  return cast(nullif(stamp, '') as timestamptz);

create table ingestune.cluster (
  id text primary key,
  rev bigint not null,
  origin text not null,
  body text not null,
  label text not null generated always as (body::jsonb ->> 'label') stored,
  kind text not null generated always as (body::jsonb ->> 'kind') stored,
  kafka_version text generated always as (body::jsonb ->> 'version') stored,
  nodes integer generated always as ((body::jsonb ->> 'nodes')::integer) stored
);

create table ingestune.configuration (
  id text primary key,                        -- sha256 of its canonical settings
  rev bigint not null,
  origin text not null,
  body text not null,
  settings jsonb not null generated always as (body::jsonb) stored
);

create table ingestune.study (
  id text primary key,
  rev bigint not null,
  origin text not null,
  body text not null,
  name text not null generated always as (body::jsonb ->> 'name') stored,
  cluster_id text not null generated always as (body::jsonb -> 'cluster' ->> 'id') stored
    references ingestune.cluster (id),
  grid_name text generated always as (body::jsonb ->> 'grid_name') stored,
  grid_hash text generated always as (body::jsonb ->> 'grid_hash') stored,
  state text not null generated always as (body::jsonb ->> 'state') stored,
  strategy text generated always as (body::jsonb ->> 'strategy') stored,
  host text generated always as (body::jsonb ->> 'host') stored,
  created_at timestamptz generated always as (ingestune.moment(body::jsonb ->> 'created_at')) stored,
  finished_at timestamptz generated always as (ingestune.moment(body::jsonb ->> 'finished_at')) stored,
  outcomes jsonb generated always as (body::jsonb -> 'outcomes') stored
);

create index study_cluster on ingestune.study (cluster_id);
create index study_origin on ingestune.study (origin);

create table ingestune.trial (
  id text primary key,
  rev bigint not null,
  origin text not null,
  body text not null,
  configuration_id text not null references ingestune.configuration (id),
  study_id text not null generated always as (body::jsonb ->> 'study_id') stored
    references ingestune.study (id) on delete cascade,
  number integer not null generated always as ((body::jsonb ->> 'number')::integer) stored,
  role text not null generated always as (body::jsonb ->> 'role') stored,
  state text not null generated always as (body::jsonb ->> 'state') stored,
  baseline boolean not null generated always as ((body::jsonb ->> 'baseline')::boolean) stored,
  discarded boolean not null generated always as ((body::jsonb ->> 'discarded')::boolean) stored,
  cached_from text generated always as (body::jsonb ->> 'cached_from') stored,
  pair integer generated always as ((body::jsonb ->> 'pair')::integer) stored,
  workload jsonb not null generated always as (body::jsonb -> 'workload') stored,
  message_bytes integer not null
    generated always as ((body::jsonb -> 'workload' ->> 'message_bytes')::integer) stored,
  messages_per_s double precision generated always as ((body::jsonb ->> 'messages_per_s')::double precision) stored,
  mb_per_s double precision generated always as ((body::jsonb ->> 'mb_per_s')::double precision) stored,
  p50_ms double precision generated always as ((body::jsonb -> 'latency' ->> 'p50')::double precision) stored,
  p95_ms double precision generated always as ((body::jsonb -> 'latency' ->> 'p95')::double precision) stored,
  p99_ms double precision generated always as ((body::jsonb -> 'latency' ->> 'p99')::double precision) stored,
  p999_ms double precision generated always as ((body::jsonb -> 'latency' ->> 'p999')::double precision) stored,
  max_ms double precision generated always as ((body::jsonb -> 'latency' ->> 'max')::double precision) stored,
  end_to_end_p99_ms double precision
    generated always as ((body::jsonb -> 'end_to_end' ->> 'p99')::double precision) stored,
  consumer_messages_per_s double precision
    generated always as ((body::jsonb ->> 'consumer_messages_per_s')::double precision) stored,
  rate double precision generated always as ((body::jsonb ->> 'rate')::double precision) stored,
  flags jsonb generated always as (body::jsonb -> 'flags') stored,
  error text generated always as (body::jsonb ->> 'error') stored,
  config_hash text generated always as (body::jsonb ->> 'config_hash') stored,
  env_hash text generated always as (body::jsonb ->> 'env_hash') stored,
  method_hash text generated always as (body::jsonb ->> 'method_hash') stored,
  started_at timestamptz generated always as (ingestune.moment(body::jsonb ->> 'started_at')) stored,
  finished_at timestamptz generated always as (ingestune.moment(body::jsonb ->> 'finished_at')) stored,
  unique (study_id, number)
);

create index trial_finished on ingestune.trial (finished_at);
create index trial_origin on ingestune.trial (origin);

create table ingestune.series (
  id text primary key references ingestune.trial (id) on delete cascade,
  rev bigint not null,
  origin text not null,
  body text not null                          -- a JSON list of half-second samples: see the view `sample`
);

create table ingestune.histogram (
  id text primary key references ingestune.trial (id) on delete cascade,
  rev bigint not null,
  origin text not null,
  body text not null                          -- {"latency": HDR histogram, V2 encoding, base64, ...}
);

create table ingestune.tombstone (
  id text primary key,                        -- of a study that its owner deleted
  rev bigint not null,
  origin text not null
);
