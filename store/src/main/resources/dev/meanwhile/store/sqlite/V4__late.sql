-- From when on the end of a run is late, in milliseconds since 1970; 0: never. A notice outlives its run, and says itself
-- whether that was late.
alter table run add column late_at integer not null default 0;
alter table notice add column late integer not null default 0;
