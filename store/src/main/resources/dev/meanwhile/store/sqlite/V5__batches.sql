-- Many runs that were given at once and are told of once. `id` is that of a run of its own, whose log `log` ends with the
-- last of its lines; it is 0 before all were read, and when that run was removed: then, once `dropped` is set, the lines
-- go too. `reader` is the epoch of the node that reads them.
create table batch (
  n integer primary key,
  id text not null unique,
  log integer not null,
  reader integer not null,
  tenant text not null,
  upstream text not null,
  total integer not null,
  completed integer not null,
  failed integer not null,
  cancelled integer not null,
  dropped integer not null
) strict;
create index batch_log on batch (log);

-- What was sent, line by line. Lines that ask the same have one log, with one run. Until somebody takes it, a log's owner
-- is minus its batch's number.
create table line (
  batch integer not null,
  number integer not null,
  id text not null,
  log integer not null,
  primary key (batch, number)
) strict, without rowid;
create unique index line_id on line (batch, id);

-- Which batch a run answers lines of, and how many; 0 of all others.
alter table run add column batch integer not null default 0;
alter table run add column lines integer not null default 0;
