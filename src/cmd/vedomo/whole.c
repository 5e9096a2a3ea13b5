// Nothing that the broker says counts here but for what leads to the log's signature:
//
//   fork        the tree continues the one that we kept
//   tree        all proofs are in that one tree
//   epoch       the epoch's entry is one, and in the tree
//   map         the person's place, or that nobody is there, leads to the map's root
//   forgotten   what is forgotten may be: an entry says so
//   inclusion   each entry is in the tree
//   part        each entry commits to what it is shown to say
//   filed       what else an officer sees of the entry leads to this person
//   and those of proof/list.h, about the entries together
//
// An old epoch proves as much as a new one, but of an old list. So one that entries followed long
// ago, without another epoch behind it, is said to be overdue: the broker may hide the later ones.
#include "whole.h"

#include "base/clock.h"
#include "receipts.h"
#include "seal/hash.h"

enum { PAGE_ARENA_BYTES = WIRE_ROWS_ARENA_BYTES + 2 * WIRE_BOXES_MAX_BYTES, PAGES_MAX = 1 << 20 };

struct checking {
    struct person *person;
    struct whole *whole;
    whole_entry each;
    void *context;
    struct arena *arena; // of a page
    bool first;          // no page has been checked yet
};

// Notes the check that failed. Everything that a check refuses is an answer, as long as it came
// whole.
static enum status fail(struct checking *checking, const char *check, const struct wire_row *row,
                        enum status status, struct error *err)
{
    struct whole *whole = checking->whole;
    if (status != ST_UNPROVEN && status != ST_MALFORMED && status != ST_UNSUPPORTED) {
        return status;
    }
    if (whole->check == NULL) {
        whole->check = check;
        whole->has_entry = row != NULL;
        whole->entry = row == NULL ? 0 : row->index;
        memcpy(whole->message, err->message, sizeof(whole->message));
    }
    return ST_UNPROVEN;
}

static enum status failed(struct checking *checking, const char *check, const struct wire_row *row,
                          struct error *err, const char *message)
{
    return fail(checking, check, row, error_set(err, ST_UNPROVEN, "%s", message), err);
}

// ---- the tree

static enum status ask_consistency(struct checking *checking, const struct proof_checkpoint *old,
                                   const struct proof_checkpoint *new, struct error *err)
{
    struct wire_query query = { .kind = WIRE_QUERY_CONSISTENCY,
                                .from = old->size,
                                .to = new->size };
    struct wire_result result;
    struct wire_rows rows;
    enum status status =
        link_query(checking->person->link, &query, checking->arena, &result, &rows, err);
    if (status == ST_OK && (rows.rows_count != 2 ||
                            !proof_consistency_verify(old->size, &old->root, new->size, &new->root,
                                                      rows.rows[1].announcement))) {
        status = error_set(err, ST_UNPROVEN,
                           "the tree of %llu entries does not continue the one of %llu: the log "
                           "was rewritten or has two faces",
                           (unsigned long long)new->size, (unsigned long long)old->size);
    }
    return status;
}

// The tree that the proofs are in, and the one that this connection has verified, are one log.
static enum status check_fork(struct checking *checking, struct error *err)
{
    struct bytes note;
    struct proof_checkpoint kept;
    const struct proof_checkpoint *shown = &checking->whole->checkpoint;
    uint64_t size = link_checkpoint(checking->person->link, &note);
    if (size == 0) {
        return ST_OK;
    }
    enum status status = proof_ring_open(link_keys(checking->person->link), 0, note, &kept, err);
    if (status == ST_OK && kept.size == shown->size && !digest_equal(&kept.root, &shown->root)) {
        status = error_set(err, ST_UNPROVEN, "the log shows two trees of %llu entries",
                           (unsigned long long)size);
    } else if (status == ST_OK && kept.size < shown->size) {
        status = ask_consistency(checking, &kept, shown, err);
    } else if (status == ST_OK && kept.size > shown->size) {
        status = ask_consistency(checking, shown, &kept, err);
    }
    return fail(checking, "fork", NULL, status, err);
}

static enum status check_tree(struct checking *checking, const struct wire_row *row,
                              struct error *err)
{
    struct proof_checkpoint shown;
    struct whole *whole = checking->whole;
    enum status status = proof_ring_open(link_keys(checking->person->link), 0,
                                         row->receipt->checkpoint, &shown, err);
    if (status == ST_OK && whole->checkpoint.size == 0) {
        whole->checkpoint = shown;
        return ST_OK;
    }
    if (status == ST_OK && (shown.size != whole->checkpoint.size ||
                            !digest_equal(&shown.root, &whole->checkpoint.root))) {
        status = error_set(err, ST_UNPROVEN, "its proof is in another tree than the others");
    }
    return fail(checking, "tree", row, status, err);
}

// ---- a receipt

static enum status check_receipt(struct checking *checking, const struct wire_row *row,
                                 enum wire_part part, struct proof_proven *proven,
                                 struct error *err)
{
    if (row->receipt == NULL || row->receipt->extra == NULL || row->receipt->index != row->index ||
        row->receipt->extra->part_type != (uint32_t)part) {
        return failed(checking, "part", row, err, "it comes without its receipt");
    }
    enum status status = check_tree(checking, row, err);
    if (status != ST_OK) {
        return status;
    }
    struct proof_receipt receipt = receipt_plain(row->receipt);
    struct digest leaf = seal_leaf_hash(receipt.leaf);
    const struct proof_checkpoint *tree = &checking->whole->checkpoint;
    if (!proof_inclusion_verify(&leaf, receipt.index, tree->size, receipt.path, &tree->root)) {
        return failed(checking, "inclusion", row, err, "it is not in the log's tree");
    }
    return fail(checking, "part", row, proof_receipt_check(&receipt, tree, proven, err), err);
}

static enum status read_part(struct checking *checking, const struct wire_row *row,
                             enum wire_schema schema, struct bytes bytes, void *part,
                             struct error *err)
{
    return fail(checking, "part", row, wire_decode(schema, bytes, checking->arena, part, err), err);
}

// ---- what stands before the list

static enum status check_epoch(struct checking *checking, const struct wire_row *row,
                               struct error *err)
{
    struct whole *whole = checking->whole;
    struct proof_proven proven;
    struct wire_public_part part;
    if (row->person == NULL) {
        return ST_OK; // none yet
    }
    if (whole->has_epoch || whole->list.begun) {
        return failed(checking, "epoch", row, err, "it does not stand once, in front of the list");
    }
    enum status status = check_receipt(checking, row, WIRE_PART_PUBLIC, &proven, err);
    if (status == ST_OK) {
        status = read_part(checking, row, WIRE_SCHEMA_PUBLIC_PART, row->receipt->extra->part, &part,
                           err);
    }
    if (status != ST_OK) {
        return status;
    }
    if (proven.leaf.class != PROOF_CLASS_EPOCH || part.kind != WIRE_KIND_EPOCH || part.epoch == 0 ||
        part.map_size > row->index) {
        return failed(checking, "epoch", row, err, "this entry is not an epoch");
    }
    const struct wire_person_proof *proof = row->person;
    struct proof_map_claim claim = { .tag = proof->tag,
                                     .absent = proof->absent,
                                     .open = { .count = proof->count, .head = proof->head },
                                     .salt = proof->salt,
                                     .delayed = proof->delayed,
                                     .bitmap = proof->bitmap,
                                     .path = proof->path };
    status = fail(checking, "map", row, proof_map_verify(&claim, &part.map_root, err), err);
    if (status != ST_OK) {
        return status;
    }
    whole->has_epoch = true;
    whole->epoch = part.epoch;
    whole->epoch_index = row->index;
    whole->epoch_at = part.recorded_at;
    whole->epoch_size = part.map_size;
    whole->epoch_root = part.map_root;
    whole->absent = proof->absent;
    whole->tag = arena_copy(checking->person->arena, proof->tag);
    struct proof_chain_head head = { 0 };
    if (!proof->absent) {
        head = claim.open;
    }
    proof_list_begin(&whole->list, &(struct proof_list_start){ .sequence = 1 }, &head,
                     part.map_size);
    return ST_OK;
}

// Up to where the log may be forgotten.
static enum status check_forgotten_to(struct checking *checking, const struct wire_row *row,
                                      struct error *err)
{
    struct proof_proven proven;
    struct wire_public_part part;
    enum status status = check_receipt(checking, row, WIRE_PART_PUBLIC, &proven, err);
    if (status == ST_OK) {
        status = read_part(checking, row, WIRE_SCHEMA_PUBLIC_PART, row->receipt->extra->part, &part,
                           err);
    }
    if (status == ST_OK && part.kind != WIRE_KIND_CARRY_FORWARD) {
        status = failed(checking, "forgotten", row, err, "this entry forgets nothing");
    }
    if (status == ST_OK) {
        checking->whole->forgotten_to = part.forgotten_to;
    }
    return status;
}

// ---- an entry

// What an officer's parts say about the person is about this one.
static enum status check_filed(struct checking *checking, const struct wire_row *row,
                               const struct wire_row_part *part, struct error *err)
{
    struct whole *whole = checking->whole;
    struct wire_officer_part officer;
    struct wire_exchange_part exchange;
    enum status status = ST_OK;
    if (whole->tag.size != PROOF_TAG_BYTES || part->bytes.size == 0) {
        return ST_OK;
    }
    struct bytes key = bytes_of(whole->tag.data + 1, DIGEST_BYTES);
    if (part->type == WIRE_PART_OFFICER) {
        status = read_part(checking, row, WIRE_SCHEMA_OFFICER_PART, part->bytes, &officer, err);
        bool newest = status == ST_OK && officer.tag.size == whole->tag.size &&
                      officer.tag.data[0] == whole->tag.data[0];
        if (newest && !bytes_equal(officer.tag, whole->tag)) {
            return failed(checking, "filed", row, err, "it is filed under another person's tag");
        }
    } else if (part->type == WIRE_PART_EXCHANGE) {
        status = read_part(checking, row, WIRE_SCHEMA_EXCHANGE_PART, part->bytes, &exchange, err);
        bool newest = status == ST_OK && exchange.tag_key_id == whole->tag.data[0] &&
                      !digest_is_zero(&exchange.holder_check);
        struct digest holder =
            newest ? seal_blake2b(key, &exchange.holder, 1) : exchange.holder_check;
        struct digest asker = newest ? seal_blake2b(key, &exchange.asker, 1) : exchange.asker_check;
        if (newest && (!digest_equal(&holder, &exchange.holder_check) ||
                       !digest_equal(&asker, &exchange.asker_check))) {
            return failed(checking, "filed", row, err,
                          "asker and holder were shown another person's check");
        }
    }
    return status;
}

// The other parts, where the reader sees them: they are those that the entry commits to.
static enum status check_parts(struct checking *checking, const struct wire_row *row,
                               unsigned class, struct error *err)
{
    int own = proof_class_place(class, WIRE_PART_SUBJECT);
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < row->parts_count; i++) {
        const struct wire_row_part *part = &row->parts[i];
        int place = proof_class_place(class, part->type);
        struct digest hash = proof_part_hash((uint8_t)part->type, &part->salt, part->bytes);
        const struct wire_receipt_extra *extra = row->receipt->extra;
        size_t other = (size_t)(place > own ? place - 1 : place);
        if (place < 0 || place == own || other >= extra->others_count ||
            !bytes_equal(extra->others[other], bytes_digest(&hash))) {
            return failed(checking, "part", row, err, "the entry does not commit to this part");
        }
        status = check_filed(checking, row, part, err);
    }
    return status;
}

static enum status check_gone(struct checking *checking, const struct wire_row *row,
                              struct proof_list_entry *entry, struct error *err)
{
    const struct proof_checkpoint *tree = &checking->whole->checkpoint;
    struct proof_leaf leaf;
    enum status status = proof_leaf_decode(row->leaf, &leaf, err);
    bool bound = status == ST_OK &&
                 (leaf.class == PROOF_CLASS_EXCHANGE || leaf.class == PROOF_CLASS_OVERSIGHT);
    entry->leaf_hash = seal_leaf_hash(row->leaf);
    entry->forgotten = true;
    entry->sequence = row->number;
    if (!proof_inclusion_verify(&entry->leaf_hash, row->index, tree->size, row->announcement,
                                &tree->root)) {
        return failed(checking, "inclusion", row, err, "it is not in the log's tree");
    }
    if (!bound || row->index >= checking->whole->forgotten_to) {
        return failed(checking, "forgotten", row, err,
                      "it is shown as forgotten, and no entry of the log allows that");
    }
    return status;
}

static enum status check_entry(struct checking *checking, const struct wire_row *row,
                               struct error *err)
{
    struct whole *whole = checking->whole;
    struct proof_proven proven;
    struct wire_subject_part subject = { 0 };
    struct proof_list_entry entry = { .index = row->index };
    enum status status = ST_OK;
    if (row->forgotten) {
        status = check_gone(checking, row, &entry, err);
    } else {
        status = check_receipt(checking, row, WIRE_PART_SUBJECT, &proven, err);
        if (status == ST_OK) {
            status = read_part(checking, row, WIRE_SCHEMA_SUBJECT_PART, row->receipt->extra->part,
                               &subject, err);
        }
        if (status == ST_OK) {
            entry.leaf_hash = proven.leaf_hash;
            entry.sequence = subject.sequence;
            entry.previous = subject.previous;
            entry.previous_index = subject.previous_index;
            status = check_parts(checking, row, proven.leaf.class, err);
        }
    }
    if (status != ST_OK) {
        return status;
    }
    if (proof_list_add(&whole->list, &entry, err) != ST_OK) {
        return fail(checking, proof_list_fault_name(whole->list.fault), row, ST_UNPROVEN, err);
    }
    checking->each(checking->context, row->index, row->forgotten ? NULL : &subject);
    return ST_OK;
}

// ---- pages

static enum status check_page(struct checking *checking, const struct wire_rows *page,
                              struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < page->rows_count; i++) {
        const struct wire_row *row = &page->rows[i];
        bool heading = checking->first && row->name.size > 0;
        if (heading && bytes_equal_text(row->name, "epoch")) {
            status = check_epoch(checking, row, err);
        } else if (heading && bytes_equal_text(row->name, "forgotten")) {
            status = check_forgotten_to(checking, row, err);
        } else {
            status = check_entry(checking, row, err);
        }
    }
    return status;
}

static enum status check_pages(struct checking *checking, struct error *err)
{
    struct person *person = checking->person;
    struct whole *whole = checking->whole;
    struct buffer cursor = buffer_init(1024);
    struct wire_query query = { .kind = WIRE_QUERY_PERSON,
                                .session = person->session,
                                .subject_scheme = person->scheme,
                                .subject = buffer_view(&person->subject) };
    enum status status = ST_OK;
    bool more = true;
    for (size_t page = 0; status == ST_OK && more && page < PAGES_MAX; page++) {
        struct wire_result result;
        struct wire_rows rows;
        arena_reset(checking->arena);
        status = link_query(person->link, &query, checking->arena, &result, &rows, err);
        if (status != ST_OK) {
            break;
        }
        status = check_page(checking, &rows, err);
        if (status == ST_OK && checking->first && whole->checkpoint.size > 0) {
            status = check_fork(checking, err);
        }
        checking->first = false;
        query.to = rows.log_size;
        buffer_clear(&cursor);
        buffer_bytes(&cursor, result.cursor);
        query.cursor = buffer_view(&cursor);
        more = result.cursor.size > 0;
        if (status == ST_OK) {
            status = buffer_ok(&cursor, "cursor", err);
        }
    }
    buffer_fini(&cursor);
    return status;
}

// ---- is there a newer epoch?

// The largest tree that was shown: the one of the proofs, or the connection's.
static enum status newest_tree(const struct checking *checking, struct proof_checkpoint *tree,
                               struct error *err)
{
    struct bytes note;
    *tree = checking->whole->checkpoint;
    if (link_checkpoint(checking->person->link, &note) <= tree->size) {
        return ST_OK;
    }
    return proof_ring_open(link_keys(checking->person->link), 0, note, tree, err);
}

// The time of the entry behind the epoch's own, proven.
static enum status check_age(struct checking *checking, uint64_t within_s, struct error *err)
{
    enum { MINUTE_MS = 60 * 1000 };
    struct whole *whole = checking->whole;
    struct proof_checkpoint tree;
    struct wire_result result;
    struct wire_rows rows;
    struct proof_leaf leaf;
    uint64_t now_ms = (uint64_t)clock_wall_ms();
    uint64_t oldest_ms = now_ms / 1000 > within_s ? now_ms - within_s * 1000 : 0;
    enum status status = newest_tree(checking, &tree, err);
    if (status != ST_OK || !whole->has_epoch || whole->epoch_at >= oldest_ms ||
        tree.size <= whole->epoch_index + 1) {
        return status;
    }
    struct wire_query query = { .kind = WIRE_QUERY_INCLUSION,
                                .index = whole->epoch_index + 1,
                                .to = tree.size };
    arena_reset(checking->arena);
    status = link_query(checking->person->link, &query, checking->arena, &result, &rows, err);
    if (status == ST_OK && rows.rows_count != 1) {
        return failed(checking, "inclusion", NULL, err, "the entry behind the epoch is not shown");
    }
    if (status == ST_OK) {
        const struct wire_row *row = &rows.rows[0];
        struct digest hash = seal_leaf_hash(row->leaf);
        status = fail(checking, "inclusion", row, proof_leaf_decode(row->leaf, &leaf, err), err);
        if (status == ST_OK &&
            !proof_inclusion_verify(&hash, query.index, tree.size, row->announcement, &tree.root)) {
            return failed(checking, "inclusion", row, err, "it is not in the log's tree");
        }
    }
    if (status == ST_OK) {
        whole->overdue = (uint64_t)leaf.minutes * MINUTE_MS < oldest_ms;
    }
    return status;
}

enum status whole_check(struct person *person, uint64_t within_s, whole_entry each, void *context,
                        struct whole *whole, struct error *err)
{
    struct checking checking = { .person = person,
                                 .whole = whole,
                                 .each = each,
                                 .context = context,
                                 .arena = arena_create(PAGE_ARENA_BYTES),
                                 .first = true };
    *whole = (struct whole){ .check = NULL };
    proof_list_begin(&whole->list, &(struct proof_list_start){ .sequence = 1 }, NULL, 0);
    enum status status =
        checking.arena == NULL ? error_set(err, ST_NOMEM, "list") : check_pages(&checking, err);
    if (status == ST_OK && proof_list_end(&whole->list, err) != ST_OK) {
        const struct wire_row where = { .index = whole->list.fault_index };
        status = fail(&checking, proof_list_fault_name(whole->list.fault),
                      whole->list.fault_has_index ? &where : NULL, ST_UNPROVEN, err);
    }
    if (status == ST_OK) {
        status = check_age(&checking, within_s, err);
    }
    arena_destroy(&checking.arena);
    return status == ST_UNPROVEN && whole->check != NULL ? ST_OK : status;
}
