-- writable_from: 1
-- What a person with psql or a dashboard wants to see. Throw-away trials are counted nowhere.

-- {"settings": [{"scope": ..., "name": ..., "value": ...}]} as {"producer": {"linger.ms": 5}}
create function ingestune.by_scope(configuration jsonb) returns jsonb
  language sql immutable parallel safe
  return (
    select coalesce(jsonb_object_agg(scope, named), '{}'::jsonb)
    from (
      select setting ->> 'scope' as scope, jsonb_object_agg(setting ->> 'name', setting -> 'value') as named
      from jsonb_array_elements(configuration -> 'settings') as setting
      group by 1
    ) as scopes
  );

-- Every configuration of every study and workload, ranked by both figures over its done trials.
create view ingestune.leaderboard as
with figures as (
  select
    study_id, workload, message_bytes, configuration_id,
    bool_or(baseline) as baseline,
    count(*) as trials,
    avg(messages_per_s) as messages_per_s,
    stddev_samp(messages_per_s) as messages_per_s_deviation,
    avg(mb_per_s) as mb_per_s,
    percentile_cont(0.5) within group (order by p50_ms) as p50_ms,
    percentile_cont(0.5) within group (order by p99_ms) as p99_ms,
    count(*) filter (where flags <> '[]') as flagged
  from ingestune.trial
  where state = 'done' and not discarded
  group by study_id, workload, message_bytes, configuration_id
)
select
  s.name as study,
  c.label as cluster,
  f.message_bytes,
  rank() over (partition by f.study_id, f.workload order by f.messages_per_s desc nulls last) as rank_by_throughput,
  rank() over (partition by f.study_id, f.workload order by f.p99_ms nulls last) as rank_by_p99,
  f.messages_per_s, f.messages_per_s_deviation, f.mb_per_s, f.p50_ms, f.p99_ms, f.trials, f.flagged, f.baseline,
  g.settings,
  f.workload, s.id as study_id, f.configuration_id, s.created_at
from figures f
join ingestune.study s on s.id = f.study_id
join ingestune.cluster c on c.id = s.cluster_id
join ingestune.configuration g on g.id = f.configuration_id;

-- Every outcome of every study: the only figures that are claims.
create view ingestune.verdict as
select
  s.name as study,
  c.label as cluster,
  (o -> 'workload' ->> 'message_bytes')::integer as message_bytes,
  o ->> 'objective' as objective,
  o ->> 'verdict' as verdict,
  (o -> 'ratio' ->> 'ratio')::double precision as ratio,
  (o -> 'ratio' ->> 'low')::double precision as low,
  (o -> 'ratio' ->> 'high')::double precision as high,
  (o -> 'latency' ->> 'ratio')::double precision as latency_ratio,
  (o -> 'latency' ->> 'low')::double precision as latency_low,
  (o -> 'latency' ->> 'high')::double precision as latency_high,
  case when jsonb_typeof(o -> 'winner') = 'object' then ingestune.by_scope(o -> 'winner') end as settings,
  ingestune.by_scope(o -> 'baseline') as baseline_settings,
  o -> 'workload' as workload,
  s.cluster_id, s.id as study_id, s.created_at, s.finished_at
from ingestune.study s
join ingestune.cluster c on c.id = s.cluster_id
cross join lateral jsonb_array_elements(s.outcomes) as o;

-- For each cluster, workload and objective, the winner of the newest study that confirmed one.
create view ingestune.best_configuration as
select distinct on (cluster_id, workload, objective)
  cluster, message_bytes, objective, ratio, low, high, settings, study, workload, cluster_id, study_id, finished_at
from ingestune.verdict
where verdict = 'faster'
order by cluster_id, workload, objective, created_at desc;

-- The two plots: throughput and latency over message size, tuned and baseline, from the confirmation pairs alone.
create view ingestune.tuned_against_baseline as
select
  s.name as study,
  c.label as cluster,
  t.message_bytes,
  avg(t.messages_per_s) filter (where t.baseline) as baseline_messages_per_s,
  avg(t.messages_per_s) filter (where not t.baseline) as tuned_messages_per_s,
  avg(t.mb_per_s) filter (where t.baseline) as baseline_mb_per_s,
  avg(t.mb_per_s) filter (where not t.baseline) as tuned_mb_per_s,
  percentile_cont(0.5) within group (order by t.p99_ms) filter (where t.baseline) as baseline_p99_ms,
  percentile_cont(0.5) within group (order by t.p99_ms) filter (where not t.baseline) as tuned_p99_ms,
  max(v.verdict) as verdict, max(v.ratio) as ratio, max(v.low) as low, max(v.high) as high,
  count(distinct t.pair) as pairs,
  t.workload, s.id as study_id, s.created_at
from ingestune.trial t
join ingestune.study s on s.id = t.study_id
join ingestune.cluster c on c.id = s.cluster_id
left join ingestune.verdict v on v.study_id = s.id and v.workload = t.workload
where t.role = 'confirm' and t.state = 'done' and not t.discarded
group by s.id, s.name, c.label, t.workload, t.message_bytes, s.created_at;

-- One point for each trial, for a time series panel.
create view ingestune.trial_point as
select
  t.finished_at as "time",
  s.name as study, c.label as cluster, t.message_bytes, t.workload ->> 'client' as client, t.role, t.baseline,
  t.number as trial, t.messages_per_s, t.mb_per_s, t.p50_ms, t.p95_ms, t.p99_ms, t.p999_ms, t.end_to_end_p99_ms,
  t.consumer_messages_per_s, t.cached_from is not null as cached, g.settings::text as settings,
  t.id as trial_id, s.id as study_id
from ingestune.trial t
join ingestune.study s on s.id = t.study_id
join ingestune.cluster c on c.id = s.cluster_id
join ingestune.configuration g on g.id = t.configuration_id
where t.state = 'done' and not t.discarded;

-- The half-second samples of trials. Ask for one trial or one study: each row is unpacked when it is read.
create view ingestune.sample as
select
  t.started_at + make_interval(secs => p.t_s) as "time",
  s.name as study, t.number as trial, p.stage, p.t_s,
  p.messages / nullif(p.interval_s, 0) as messages_per_s,
  p.bytes / 1e6 / nullif(p.interval_s, 0) as mb_per_s,
  (p.latency_ms ->> 'p50')::double precision as p50_ms,
  (p.latency_ms ->> 'p99')::double precision as p99_ms,
  p.backlog, p.errors, p.cpu, p.round_trip_ms, p.queue_ms, p.batch_bytes, p.compression, p.throttle_ms, p.retries,
  t.message_bytes, t.baseline, t.id as trial_id, s.id as study_id
from ingestune.series r
join ingestune.trial t on t.id = r.id
join ingestune.study s on s.id = t.study_id
cross join lateral jsonb_to_recordset(r.body::jsonb) as p (
  stage text, t_s double precision, interval_s double precision, messages double precision, bytes double precision,
  latency_ms jsonb, backlog bigint, errors bigint, cpu double precision, round_trip_ms double precision,
  queue_ms double precision, batch_bytes double precision, compression double precision,
  throttle_ms double precision, retries bigint
);
