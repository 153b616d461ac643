-- The results database, version 1. Every row that PostgreSQL is to have carries `rev`, which grows with each change,
-- `synced_rev`, the revision PostgreSQL is known to hold, and `problem`, why PostgreSQL would not take it.
-- `body` is the whole value as JSON; the other columns are what is searched by.

create table meta (
  name text primary key,
  value text not null
) strict, without rowid;

create table cluster (
  id text primary key,
  body text not null,
  rev integer not null,
  synced_rev integer not null default 0,
  problem text not null default ''
) strict;

create table configuration (
  id text primary key,                        -- sha256 of the canonical settings
  body text not null,                         -- {"producer": {"linger.ms": 5}}
  rev integer not null,
  synced_rev integer not null default 0,
  problem text not null default ''
) strict;

create table study (
  id text primary key,
  name text not null unique,                  -- as this database calls it; a colleague's study gets `@host` when taken
  cluster_id text not null references cluster (id),
  state text not null,
  created_at text not null,
  finished_at text not null,
  origin text not null default '',            -- id of the database it was pulled from; empty for our own
  body text not null,
  rev integer not null,
  synced_rev integer not null default 0,
  problem text not null default ''
) strict;

create table trial (
  id text primary key,
  study_id text not null references study (id) on delete cascade,
  number integer not null,
  configuration_id text not null references configuration (id),
  role text not null,
  state text not null,
  baseline integer not null,
  discarded integer not null,
  permanent integer not null,
  flags text not null,                        -- separated by spaces
  message_bytes integer not null,
  messages_per_s real,
  p99_ms real,
  config_hash text not null,
  env_hash text not null,
  method_hash text not null,
  cached_from text,
  started_at text not null,
  finished_at text not null,
  body text not null,                         -- its configuration left out
  rev integer not null,
  synced_rev integer not null default 0,
  problem text not null default '',
  unique (study_id, number)
) strict;

create index trial_cache on trial (env_hash, method_hash, config_hash);
create index trial_stand_in on trial (study_id, cached_from) where cached_from is not null;

create table series (
  id text primary key references trial (id) on delete cascade,
  body blob not null,                         -- samples as JSON, compressed by zlib
  rev integer not null,
  synced_rev integer not null default 0,
  problem text not null default ''
) strict;

create table histogram (
  id text primary key references trial (id) on delete cascade,
  body text not null,                         -- {"latency": HDR V2 in base64, ...}
  rev integer not null,
  synced_rev integer not null default 0,
  problem text not null default ''
) strict;

create table tombstone (
  id text primary key,                        -- of a deleted study
  shared integer not null,                    -- 1: PostgreSQL is to delete it too; 0: a pulled study, deleted here alone
  rev integer not null,
  synced_rev integer not null default 0,
  problem text not null default ''
) strict;

create table journal (
  id text primary key,
  study_id text not null,
  cluster_id text not null,
  body text not null
) strict;

create index cluster_waiting on cluster (id) where rev > synced_rev;
create index configuration_waiting on configuration (id) where rev > synced_rev;
create index study_waiting on study (id) where rev > synced_rev;
create index trial_waiting on trial (id) where rev > synced_rev;
create index series_waiting on series (id) where rev > synced_rev;
create index histogram_waiting on histogram (id) where rev > synced_rev;
create index tombstone_waiting on tombstone (id) where rev > synced_rev;
