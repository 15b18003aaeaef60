-- Times are milliseconds since 1970; 0 is "not yet".

-- Each time a node starts it takes a new row here: its epoch. `wrote` is the number of the last group of changes that
-- was committed, so that after a lost answer one can see whether a commit came to be.
create table node (
  n integer primary key,
  name text not null,
  epoch integer not null,
  fenced integer not null,
  wrote integer not null,
  unique (name, epoch)
) strict;

-- How long a node's epoch may write, where there are other nodes. Apart from the node, whose row every group of changes
-- locks until it is committed.
create table lease (
  node integer primary key,
  until integer not null
) strict;

-- The owner of logs that were released.
insert into node (n, name, epoch, fenced, wrote) values (0, '', 0, 1, 0);

create table log (
  n integer primary key,
  id text not null unique,
  tenant text not null,
  upstream text not null,
  priority integer not null,
  created_at integer not null,
  not_before integer not null,
  owner integer not null,
  attempt integer not null,
  lost integer not null,
  lasting integer not null,
  name text not null,
  status text not null,
  ended_at integer not null,
  bytes integer not null,
  head blob,
  terminal blob
) strict;
create index log_unfinished on log (owner, priority, created_at) where ended_at = 0;
create index log_ended on log (lasting, ended_at) where ended_at > 0;
create index log_name on log (name) where name <> '';

-- Apart from the log, so that what happens to a log does not rewrite it.
create table request (
  log integer primary key,
  body blob not null
) strict;

-- n = log * 2^20 + the piece's number. Not WITHOUT ROWID: there a row of more than 1 KB spills to a page of its own.
create table piece (
  n integer primary key,
  attempt integer not null,
  upto integer not null,
  bytes blob not null
) strict;

create table run (
  n integer primary key,
  id text not null unique,
  log integer not null,
  tenant text not null,
  about blob not null,
  created_at integer not null,
  cut_at integer not null,
  cut_end integer not null,
  cancel_requested integer not null,
  webhook text not null,
  api text not null,
  idempotency_key blob,
  body_hash blob
) strict;
create index run_log on run (log);
create index run_tenant on run (tenant, id);
create unique index run_idempotency_key on run (idempotency_key) where idempotency_key is not null;

-- Runs that are to be stopped, until their owner has done so.
create table cancelling (
  run text primary key,
  log integer not null
) strict, without rowid;

-- Where labelled runs are told of: what feeds read. `last` is the highest number that was given there, `head` the highest
-- that was removed. `node` and `wrote` are the group that gave the last one. Gone with the last of its entries.
create table channel (
  n integer primary key,
  tenant text not null,
  name text not null,
  born text not null,
  last integer not null,
  head integer not null,
  node integer not null,
  wrote integer not null,
  unique (tenant, name)
) strict;

-- A run in its channel: `number` is that of its latest change, to `status`. Gone with its run.
create table entry (
  run text primary key,
  channel integer not null,
  number integer not null,
  title text not null,
  status text not null
) strict, without rowid;
create index entry_channel on entry (channel, number);

create table constant (
  name text primary key,
  value blob not null
) strict, without rowid;

-- Where tenants are told of the ends of their runs. `statuses` are words between spaces.
create table endpoint (
  id text primary key,
  tenant text not null,
  name text not null,
  url text not null,
  statuses text not null,
  secret blob not null,
  old_secret blob,
  old_until integer not null,
  created_at integer not null,
  updated_at integer not null,
  disabled integer not null
) strict, without rowid;
create index endpoint_tenant on endpoint (tenant);

-- The ends they are told of, each until it has arrived or is given up: `due` is 0 then. They outlive their runs.
create table notice (
  endpoint text not null,
  event text not null,
  run text not null,
  api text not null,
  status text not null,
  ended_at integer not null,
  tries integer not null,
  due integer not null,
  tried_at integer not null,
  result text not null,
  arrived integer not null,
  primary key (endpoint, event)
) strict, without rowid;
create index notice_due on notice (endpoint, due) where due > 0;
create index notice_settled on notice (ended_at) where due = 0;

-- db-scheduler's.
create table scheduled_tasks (
  task_name text not null,
  task_instance text not null,
  task_data blob,
  execution_time timestamp not null,
  picked boolean not null,
  picked_by text,
  last_success timestamp,
  last_failure timestamp,
  consecutive_failures integer,
  last_heartbeat timestamp,
  version integer not null,
  priority integer,
  primary key (task_name, task_instance)
);
create index scheduled_tasks_execution_time on scheduled_tasks (execution_time);
create index scheduled_tasks_last_heartbeat on scheduled_tasks (last_heartbeat);
