// Packing: a part that is packed once stays as it was packed, with its salt and hash.
#include "broker/parts.h"

#include "wire/wire.h"

static enum status pack(struct job *job, size_t place, enum wire_part type, enum wire_schema schema,
                        const void *part, struct buffer *scratch, struct error *err)
{
    struct audit_part *packed = &job->record.entry.parts[place];
    buffer_clear(scratch);
    enum status status = wire_encode(schema, part, scratch, err);
    if (status != ST_OK) {
        return status;
    }
    packed->bytes = arena_copy(job->arena, buffer_view(scratch));
    if (packed->bytes.data == NULL) {
        return error_set(err, ST_NOMEM, "entry: larger than a job may be");
    }
    audit_part_seal(packed, type);
    return ST_OK;
}

enum status parts_pack(struct job *job, unsigned which, struct buffer *scratch, struct error *err)
{
    const struct record *record = &job->record;
    const struct {
        enum wire_part type;
        enum wire_schema schema;
        const void *part;
    } parts[] = {
        { WIRE_PART_EXCHANGE, WIRE_SCHEMA_EXCHANGE_PART, record->exchange },
        { WIRE_PART_SUBJECT, WIRE_SCHEMA_SUBJECT_PART, record->subject },
        { WIRE_PART_OFFICER, WIRE_SCHEMA_OFFICER_PART, record->officer },
        { WIRE_PART_PUBLIC, WIRE_SCHEMA_PUBLIC_PART, record->public_ },
    };
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(parts); i++) {
        int place = proof_class_place(record->class, parts[i].type);
        if ((which & 1U << parts[i].type) != 0 && place >= 0 && parts[i].part != NULL &&
            record->entry.parts[place].bytes.data == NULL) {
            status = pack(job, (size_t)place, parts[i].type, parts[i].schema, parts[i].part,
                          scratch, err);
        }
    }
    return status;
}

void parts_forget(struct job *job)
{
    job->record.entry = (struct audit_entry){ 0 };
}
