// Budgets as the log charges them: what each counter stands at before the entry at hand, so that a
// decision is not believed what it says that it looked at, nor a release what it charged.
//
// A counter is known under its key and under the one that it has with the newest key of tags, so
// that one that began under an older key goes on. Where earlier releases cannot be read (they are
// forgotten, or before the part that is decided again) the first value that is seen is taken as it
// is.
#include "broker/replay_inside.h"

#include <string.h>

// What the log gives for one counter.
struct replay_budget {
    struct digest raw;     // under the tag of the decision that it was first met in
    struct digest current; // under the newest one
    uint64_t value;
};

enum { LOCK_SLACK_MS = 60 * 1000 }; // the recorder looks a moment after the worker

static bool is_whole(const struct replay *replay)
{
    return replay->from == 0 && replay->result.forgotten == 0 && replay->result.undecided == 0 &&
           replay->result.groundless == 0;
}

static struct replay_budget *find(const struct replay *replay, const struct replay_counter *counter)
{
    struct replay_budget *found = map_get(replay->budgets, bytes_digest(&counter->current));
    return found != NULL ? found : map_get(replay->budgets, bytes_digest(&counter->key));
}

static enum status make(struct replay *replay, const struct replay_counter *counter,
                        struct replay_budget **made, struct error *err)
{
    struct replay_budget *budget = arena_take(replay->budgets_arena, sizeof(*budget));
    if (budget == NULL) {
        return error_set(err, ST_NOMEM, "audit replay: budgets");
    }
    *budget = (struct replay_budget){ .raw = counter->key, .current = counter->current };
    if (!map_put(replay->budgets, bytes_digest(&budget->current), budget) ||
        !map_put(replay->budgets, bytes_digest(&budget->raw), budget)) {
        return error_set(err, ST_NOMEM, "audit replay: budgets");
    }
    *made = budget;
    return ST_OK;
}

enum status replay_counter_of(const struct replay *replay, const struct policy_counter *counter,
                              const struct audit_tag *tag, struct replay_counter *out,
                              struct error *err)
{
    struct audit_tag newest = *tag;
    if (tag->bytes[0] != 0) {
        enum status status = audit_tagger_renew(replay->tagger, audit_tag_view(tag), &newest, err);
        if (status != ST_OK) {
            return error_wrap(err, "a tag of the log (is one of keys/tag*.key missing?)");
        }
    }
    out->key = standing_counter_key(counter, tag);
    out->current = standing_counter_key(counter, &newest);
    return ST_OK;
}

// A release may have been recorded between a decision's look and its entry: less is no difference.
void replay_budget_seen(struct replay *replay, uint64_t index, const char *what,
                        const struct replay_counter *counter, uint64_t value)
{
    const struct replay_budget *budget = find(replay, counter);
    if (budget == NULL && !is_whole(replay)) {
        return;
    }
    uint64_t given = budget == NULL ? 0 : budget->value;
    if (value > given) {
        replay_found_number(replay, index, what, value, given);
    }
}

static void compare_charge(struct replay *replay, const struct audit_facts *facts,
                           const struct replay_charge *charge, uint64_t before, uint64_t value)
{
    int64_t latest_ms = (int64_t)facts->exchange->recorded_at - LOCK_SLACK_MS;
    if (charge->lock == 0 && value != before + 1) {
        replay_found_number(replay, facts->index, "charge", value, before + 1);
    } else if (charge->lock != 0 && policy_form_lock_refuses(before, charge->lock, latest_ms)) {
        replay_found_number(replay, facts->index, "charge: another form was locked", value, before);
    }
}

enum status replay_budget_charge(struct replay *replay, const struct audit_facts *facts,
                                 const struct replay_charge *charge, uint64_t value,
                                 struct error *err)
{
    struct replay_budget *budget = find(replay, &charge->counter);
    bool known = budget != NULL || is_whole(replay);
    enum status status = budget == NULL ? make(replay, &charge->counter, &budget, err) : ST_OK;
    if (status == ST_OK) {
        if (known) {
            compare_charge(replay, facts, charge, budget->value, value);
        }
        budget->value = value;
    }
    return status;
}

enum status replay_budget_follow(struct replay *replay, const struct audit_facts *facts,
                                 struct error *err)
{
    const struct wire_officer_part *officer = facts->officer;
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && officer != NULL && i < officer->charges_count; i++) {
        const struct replay_counter counter = { .key = officer->charges[i].key,
                                                .current = officer->charges[i].key };
        struct replay_budget *budget = find(replay, &counter);
        if (budget == NULL) {
            status = make(replay, &counter, &budget, err);
        }
        if (status == ST_OK) {
            budget->value = officer->charges[i].value;
        }
    }
    return status;
}
