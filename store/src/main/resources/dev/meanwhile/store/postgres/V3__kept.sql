-- Answers that are kept to be given again, by what was asked; `stamp` is the number of the last purge that was known when
-- its log began. What a run made is gone with it.
create table kept (
  key bytea primary key,
  run text collate "C" not null,
  stamp bigint not null,
  made bigint not null,
  until bigint not null,
  tags bytea not null,
  bytes bigint not null,
  answer bytea not null
);
-- It is compressed already.
alter table kept alter column answer set storage external;
create index kept_run on kept (run);
create index kept_until on kept (until) include (bytes);

-- The last purge of each tag and key. That of nothing holds the last number that was given: its row is locked until that
-- is committed, so that numbers become visible in their order.
create table purge (
  what bytea primary key,
  number bigint not null
);
create index purge_number on purge (number);
insert into purge (what, number) values ('', 0);

-- Which answers are being made by one node for all, and until when they are its to make.
create table making (
  key bytea primary key,
  until bigint not null
);
