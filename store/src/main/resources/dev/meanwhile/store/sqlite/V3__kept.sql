-- Answers that are kept to be given again, by what was asked; `stamp` is the number of the last purge that was known when
-- its log began. What a run made is gone with it. Not WITHOUT ROWID: there a row of more than 1 KB spills to a page of its
-- own.
create table kept (
  key blob not null unique,
  run text not null,
  stamp integer not null,
  made integer not null,
  until integer not null,
  tags blob not null,
  bytes integer not null,
  answer blob not null
) strict;
create index kept_run on kept (run);
create index kept_until on kept (until);

-- The last purge of each tag and key. That of nothing holds the last number that was given.
create table purge (
  what blob primary key,
  number integer not null
) strict, without rowid;
create index purge_number on purge (number);
insert into purge (what, number) values (x'', 0);

-- Which answers are being made by one node for all, and until when they are its to make.
create table making (
  key blob primary key,
  until integer not null
) strict, without rowid;
