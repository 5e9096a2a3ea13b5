// A forgotten entry keeps its leaf, so the entry after it still proves that it was there; what it
// followed nobody can say any more, so that below it numbers may be missing that the retention rule
// has taken.
#include "proof/list.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[PROOF_LIST_FAULTS] = {
    [PROOF_LIST_GOOD] = "good",   [PROOF_LIST_ORDER] = "order",
    [PROOF_LIST_GAP] = "gap",     [PROOF_LIST_LINK] = "link",
    [PROOF_LIST_HEAD] = "head",   [PROOF_LIST_UNCOUNTED] = "uncounted",
    [PROOF_LIST_EARLY] = "early", [PROOF_LIST_CUT] = "cut",
    [PROOF_LIST_BEGIN] = "begin",
};

const char *proof_list_fault_name(enum proof_list_fault fault)
{
    return names[fault];
}

static unsigned long long number(uint64_t value)
{
    return (unsigned long long)value;
}

static enum status find(struct proof_list *list, enum proof_list_fault fault,
                        const struct proof_list_entry *entry, struct error *err, const char *format,
                        ...) PRINTF_LIKE(5, 6);
static enum status find(struct proof_list *list, enum proof_list_fault fault,
                        const struct proof_list_entry *entry, struct error *err, const char *format,
                        ...)
{
    char text[ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    list->fault = fault;
    list->fault_has_index = entry != NULL;
    list->fault_index = entry == NULL ? 0 : entry->index;
    return error_set(err, ST_UNPROVEN, "%s", text);
}

void proof_list_begin(struct proof_list *list, const struct proof_list_start *start,
                      const struct proof_chain_head *head, uint64_t map_size)
{
    *list = (struct proof_list){ .start = *start, .committed = head != NULL };
    if (head != NULL) {
        list->head = *head;
        list->map_size = map_size;
    }
}

static enum status check_newest(struct proof_list *list, const struct proof_list_entry *entry,
                                struct error *err)
{
    if (list->committed && entry->sequence < list->head.count) {
        return find(list, PROOF_LIST_CUT, entry, err,
                    "the list ends with number %llu, the epoch counts %llu",
                    number(entry->sequence), number(list->head.count));
    }
    return ST_OK;
}

static enum status check_next(struct proof_list *list, const struct proof_list_entry *entry,
                              struct error *err)
{
    const struct proof_list_entry *newer = &list->last;
    bool follows = entry->sequence + 1 == newer->sequence;
    if (entry->index >= newer->index) {
        return find(list, PROOF_LIST_ORDER, entry, err, "number %llu is not older than number %llu",
                    number(entry->sequence), number(newer->sequence));
    }
    if (newer->forgotten && entry->sequence < newer->sequence) {
        list->forgotten += newer->sequence - entry->sequence - 1;
        return ST_OK;
    }
    if (!follows) {
        return find(list, PROOF_LIST_GAP, entry, err, "before number %llu comes number %llu",
                    number(newer->sequence), number(entry->sequence));
    }
    if (!digest_equal(&entry->leaf_hash, &newer->previous) ||
        entry->index != newer->previous_index) {
        return find(list, PROOF_LIST_LINK, entry, err,
                    "number %llu follows another entry than this one", number(newer->sequence));
    }
    return ST_OK;
}

static enum status check_epoch(struct proof_list *list, const struct proof_list_entry *entry,
                               struct error *err)
{
    bool counted = entry->sequence <= list->head.count;
    bool older = entry->index < list->map_size;
    if (older && !counted) {
        return find(list, PROOF_LIST_UNCOUNTED, entry, err,
                    "number %llu is older than the epoch, which counts %llu",
                    number(entry->sequence), number(list->head.count));
    }
    if (!older && counted) {
        return find(list, PROOF_LIST_EARLY, entry, err,
                    "the epoch counts number %llu, which is younger than it",
                    number(entry->sequence));
    }
    if (entry->sequence == list->head.count && !digest_equal(&entry->leaf_hash, &list->head.head)) {
        return find(list, PROOF_LIST_HEAD, entry, err,
                    "number %llu is another entry than the one that the epoch commits to",
                    number(entry->sequence));
    }
    list->after += older ? 0 : 1;
    return ST_OK;
}

enum status proof_list_add(struct proof_list *list, const struct proof_list_entry *entry,
                           struct error *err)
{
    enum status status =
        list->begun ? check_next(list, entry, err) : check_newest(list, entry, err);
    if (status == ST_OK && list->committed) {
        status = check_epoch(list, entry, err);
    }
    if (status == ST_OK) {
        list->begun = true;
        list->last = *entry;
        list->entries++;
        list->forgotten += entry->forgotten ? 1 : 0;
    }
    return status;
}

enum status proof_list_end(struct proof_list *list, struct error *err)
{
    const struct proof_list_entry *first = &list->last;
    if (!list->begun) {
        return list->committed && list->head.count > 0
                   ? find(list, PROOF_LIST_CUT, NULL, err,
                          "the list is empty, the epoch counts %llu", number(list->head.count))
                   : ST_OK;
    }
    if (first->forgotten && first->sequence >= list->start.sequence) {
        list->forgotten += first->sequence - list->start.sequence;
        return ST_OK;
    }
    if (first->sequence != list->start.sequence ||
        !digest_equal(&first->previous, &list->start.previous)) {
        return find(list, PROOF_LIST_BEGIN, first, err,
                    "the list begins with number %llu, which follows another entry",
                    number(first->sequence));
    }
    return ST_OK;
}
