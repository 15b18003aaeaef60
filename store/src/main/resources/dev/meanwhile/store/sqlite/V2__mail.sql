-- Who gets a mail at the end of a run: `mailto:` and the address, or nothing.
alter table run add column mail text not null default '';
create index run_mail on run (log) where mail <> '';

-- A mail has no endpoint that would say whose run it is: where a notice is told by mail, its endpoint is `mailto:` and
-- the address.
alter table notice add column tenant text not null default '';
update notice set tenant = coalesce((select e.tenant from endpoint e where e.id = notice.endpoint), '');
