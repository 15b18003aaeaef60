-- From when on the end of a run is late, in milliseconds since 1970; 0: never. A notice outlives its run, and says itself
-- whether that was late.
alter table run add column late_at bigint not null default 0;
alter table notice add column late smallint not null default 0;
