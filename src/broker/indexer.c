// The indexer: the only writer of the stored views. It lets the tail grow for a moment, so that one
// sorted commit takes many entries, and never goes beyond what the log holds.
#include "base/clock.h"
#include "base/event.h"
#include "broker/core.h"

enum { LOOK_EVERY_MS = 50 };

// New requests stop while the map or disk of log or views, or the tail, is at its bound; they go on
// by themselves once there is room.
static void watch_room(struct broker *broker)
{
    uint64_t bound = broker->home.settings->audit.full_percent * 10;
    unsigned log = audit_journal_used_permille(broker->journal);
    unsigned views = audit_views_used_permille(broker->views);
    bool tail = audit_views_tail_full(broker->views);
    bool full = log >= bound || views >= bound || tail;
    bool was = atomic_exchange(&broker->full, full);
    if (full && !was) {
        log_event(LOG_LEVEL_ERROR, "record.full", log_number("log-permille", log),
                  log_number("views-permille", views),
                  log_text("now", "new requests get BUSY; withdrawals, orders and endings pass"),
                  log_text("do", log >= bound     ? "give the disk room, or raise audit.log_map"
                                 : views >= bound ? "give the disk room, or raise audit.views_map"
                                                  : "wait; the views are behind"));
    } else if (!full && was) {
        log_event(LOG_LEVEL_NOTICE, "record.room", log_number("log-permille", log),
                  log_number("views-permille", views));
    }
}

void broker_indexer_run(struct thread *thread, void *argument)
{
    struct broker *broker = argument;
    struct error err = { 0 };
    int64_t applied_ms = clock_monotonic_ms();
    thread_ready(thread, ST_OK, NULL);
    while (!atomic_load(&broker->stopping)) {
        broker_wait(broker, LOOK_EVERY_MS);
        if (audit_views_due(broker->views, applied_ms)) {
            uint64_t applied = 0;
            applied_ms = clock_monotonic_ms();
            enum status status = audit_views_apply(broker->views, &applied, &err);
            if (status != ST_OK && status != ST_FULL) {
                broker_fail(broker, "views.lost", &err);
                return;
            }
        }
        if (audit_views_adopt(broker->views, &err) != ST_OK) {
            broker_fail(broker, "views.lost", &err);
            return;
        }
        watch_room(broker);
    }
}
