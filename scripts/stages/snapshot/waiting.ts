/**
 * Who waits in production for a lock of the run's: `w` is its row of pg_locks, `s` its session. $2: pattern of the names of the
 * run's sessions. Nothing else waits for ACCESS SHARE: who wants less waits for somebody else.
 */
export const waitingForUs = `
            from pg_catalog.pg_locks w left join pg_catalog.pg_stat_activity s on s.pid = w.pid
           where not w.granted and w.locktype = 'relation' and w.mode = 'AccessExclusiveLock' and w.waitstart is not null
             and coalesce(s.application_name, '') not like $2
             and exists (select from pg_catalog.pg_locks h join pg_catalog.pg_stat_activity o on o.pid = h.pid
                          where h.granted and h.locktype = 'relation' and h.database = w.database
                            and h.relation = w.relation and o.application_name like $2)`;
