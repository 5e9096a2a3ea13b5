// An entry taken apart: parts decoded, kind and time from whichever part tells them.
#include "entry_text.h"

#include "proof/commit.h"
#include "wire/wire.h"

enum { MINUTE_MS = 60 * 1000 };

// Decodes one part into the place for its type.
static enum status decode_part(uint32_t type, struct bytes part, struct arena *arena,
                               struct entry_text *entry, struct error *err)
{
    static const struct {
        enum wire_schema schema;
        size_t size;
        size_t place;
    } types[] = {
        [WIRE_PART_EXCHANGE] = { WIRE_SCHEMA_EXCHANGE_PART, sizeof(struct wire_exchange_part),
                                 offsetof(struct entry_text, exchange) },
        [WIRE_PART_SUBJECT] = { WIRE_SCHEMA_SUBJECT_PART, sizeof(struct wire_subject_part),
                                offsetof(struct entry_text, subject) },
        [WIRE_PART_OFFICER] = { WIRE_SCHEMA_OFFICER_PART, sizeof(struct wire_officer_part),
                                offsetof(struct entry_text, officer) },
        [WIRE_PART_PUBLIC] = { WIRE_SCHEMA_PUBLIC_PART, sizeof(struct wire_public_part),
                               offsetof(struct entry_text, public_) },
    };
    if (part.size == 0) {
        return ST_OK; // an empty part: the class has it, the entry has nothing to say there
    }
    if (type == 0 || type >= ARRAY_COUNT(types)) {
        return error_set(err, ST_UNSUPPORTED, "a part of type %u", type);
    }
    void *decoded = arena_take(arena, types[type].size);
    if (decoded == NULL) {
        return error_set(err, ST_NOMEM, "entry");
    }
    enum status status = wire_decode(types[type].schema, part, arena, decoded, err);
    if (status == ST_OK) {
        memcpy((uint8_t *)entry + types[type].place, &decoded, sizeof(decoded));
    }
    return status;
}

static void take_first(uint64_t *place, uint64_t value)
{
    if (*place == 0) {
        *place = value;
    }
}

// Kind and time, from whichever part tells them.
static void settle(struct entry_text *entry)
{
    uint64_t at = 0;
    uint64_t kind = 0;
    if (entry->exchange != NULL) {
        take_first(&kind, entry->exchange->kind);
        take_first(&at, entry->exchange->recorded_at);
    }
    if (entry->subject != NULL) {
        take_first(&kind, entry->subject->kind);
        take_first(&at, entry->subject->recorded_at);
    }
    if (entry->public_ != NULL) {
        take_first(&kind, entry->public_->kind);
        take_first(&at, entry->public_->recorded_at);
    }
    if (entry->officer != NULL) {
        take_first(&kind, entry->officer->kind);
        take_first(&at, entry->officer->decided_at);
    }
    entry->kind = (uint32_t)kind;
    entry->recorded_ms = at != 0 ? at : entry->recorded_ms;
}

enum status entry_text_part(uint32_t type, struct bytes part, struct arena *arena,
                            struct entry_text *entry, struct error *err)
{
    enum status status = decode_part(type, part, arena, entry, err);
    if (status == ST_OK) {
        settle(entry);
    }
    return status;
}

enum status entry_text_read(const struct wire_row *row, struct arena *arena,
                            struct entry_text *entry, struct error *err)
{
    struct entry_text read = {
        .index = row->index,
        .ending = (uint32_t)row->number,
        .ended_by = row->ended_by,
        .end_reason = row->text,
        .forgotten = row->forgotten,
        .earlier = row->earlier,
        .earlier_until = row->text,
    };
    struct proof_leaf leaf;
    enum status status = ST_OK;
    if (row->leaf.size > 0) {
        status = proof_leaf_decode(row->leaf, &leaf, err);
        if (status == ST_OK) {
            read.has_leaf = true;
            read.class = leaf.class;
            read.recorded_ms = (uint64_t)leaf.minutes * MINUTE_MS;
        }
    }
    for (size_t i = 0; status == ST_OK && i < row->parts_count; i++) {
        status = decode_part(row->parts[i].type, row->parts[i].bytes, arena, &read, err);
    }
    if (status != ST_OK) {
        return error_wrap(err, "entry %llu", (unsigned long long)row->index);
    }
    settle(&read);
    *entry = read;
    return ST_OK;
}
