// What cannot be decided again because it is forgotten: counted by months, named with the entry
// that ordered it. Contents that are gone without an order are named as that: whoever destroys a
// key to hide a decision must not pass for somebody who forgets in time.
#include "broker/replay_inside.h"

#include <stdlib.h>

enum { MONTHS_STEP = 64 };

enum status replay_forgotten(struct replay *replay, const struct audit_facts *facts,
                             struct error *err)
{
    bool exchange = facts->class == WIRE_CLASS_EXCHANGE;
    uint32_t month = exchange ? audit_month_of(facts->minutes) : 0;
    struct replay_month *last =
        replay->month_count == 0 ? NULL : &replay->months[replay->month_count - 1];
    if (exchange) {
        replay->result.forgotten++;
        replay->forgotten_to = facts->index + 1;
        replay->forgotten_minutes = facts->minutes;
    } else {
        replay->ground_gone = true;
    }
    if (last != NULL && last->month == month) {
        last->count++;
        last->last = facts->index;
        return ST_OK;
    }
    if (replay->month_count % MONTHS_STEP == 0) {
        struct replay_month *grown =
            realloc(replay->months, (replay->month_count + MONTHS_STEP) * sizeof(*grown));
        if (grown == NULL) {
            return error_set(err, ST_NOMEM, "audit replay: months");
        }
        replay->months = grown;
    }
    replay->months[replay->month_count++] = (struct replay_month){
        .month = month, .count = 1, .first = facts->index, .last = facts->index
    };
    return ST_OK;
}

void replay_order(struct replay *replay, const struct audit_facts *facts)
{
    uint32_t month = facts->public_->month;
    for (size_t i = 0; i < replay->month_count; i++) {
        struct replay_month *one = &replay->months[i];
        if (one->month != 0 && one->month <= month && one->ordered_by == 0) {
            one->ordered_by = facts->index;
        }
    }
}

static bool is_order(uint64_t index, enum wire_class class, void *context)
{
    (void)index;
    (void)context;
    return class == WIRE_CLASS_GOVERNANCE;
}

static enum status take_order(const struct audit_scanned *entry, void *context, struct error *err)
{
    const struct audit_facts *facts = &entry->facts;
    (void)err;
    if (!entry->forgotten && facts->public_ != NULL &&
        facts->public_->kind == WIRE_KIND_CARRY_FORWARD) {
        replay_order(context, facts);
    }
    return ST_OK;
}

// The order may stand behind the part that was decided again, or behind what the log held when it
// was opened.
static enum status look_further(struct replay *replay, struct error *err)
{
    enum status status = audit_scan_renew(replay->scan, err);
    return status == ST_OK ? audit_scan_run(replay->scan, replay->to, audit_scan_size(replay->scan),
                                            is_order, take_order, replay, err)
                           : status;
}

enum status replay_tell_forgotten(struct replay *replay, struct error *err)
{
    const struct replay_options *options = replay->options;
    enum status status = replay->month_count > 0 ? look_further(replay, err) : ST_OK;
    for (size_t i = 0; status == ST_OK && i < replay->month_count; i++) {
        const struct replay_month *one = &replay->months[i];
        replay->result.gone += one->ordered_by == 0 ? one->count : 0;
        options->forgotten(one, options->context);
    }
    return status;
}
