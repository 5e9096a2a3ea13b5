// C2SP tlog-policy. Lines of words; a name is defined before it is used, and used in one group at
// most, so that no witness counts twice. Names are bytes, not text.
#include "proof/policy.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>

enum { WORDS_MAX = 2 * PROOF_WITNESSES_MAX + PROOF_POLICY_GROUPS_MAX, NAMES_MAX = 64 };
static_assert((int)NAMES_MAX == (int)PROOF_WITNESSES_MAX + (int)PROOF_POLICY_GROUPS_MAX,
              "every witness and group has a name");

struct group {
    size_t threshold;
    size_t count;
    size_t members[NAMES_MAX]; // places in names[]
};

// A name stands for a witness or a group.
struct name {
    struct bytes text;
    bool is_group;
    size_t place;   // in witnesses[] or groups[]
    bool is_member; // of a group already
};

struct proof_policy {
    char *text; // what the names borrow from
    struct proof_key logs[PROOF_POLICY_LOGS_MAX];
    size_t log_count;
    struct proof_key keys[PROOF_WITNESSES_MAX];
    struct proof_policy_witness witnesses[PROOF_WITNESSES_MAX];
    char urls[PROOF_WITNESSES_MAX][PROOF_POLICY_URL_MAX + 1];
    size_t witness_count;
    struct group groups[PROOF_POLICY_GROUPS_MAX];
    size_t group_count;
    struct name names[NAMES_MAX];
    size_t name_count;
    bool has_quorum_line;
    bool has_quorum; // it is not `none`
    size_t quorum;   // place in names[]
};

struct line {
    unsigned number; // from 1
    struct bytes words[WORDS_MAX];
    size_t count;
};

static enum status fail(const struct line *line, const char *what, struct error *err)
{
    return error_set(err, ST_MALFORMED, "witness policy, line %u: %s", line->number, what);
}

static struct name *find_name(struct proof_policy *policy, struct bytes text)
{
    for (size_t i = 0; i < policy->name_count; i++) {
        if (bytes_equal(policy->names[i].text, text)) {
            return &policy->names[i];
        }
    }
    return NULL;
}

static enum status add_name(struct proof_policy *policy, const struct line *line, bool is_group,
                            size_t place, struct error *err)
{
    struct bytes text = line->words[1];
    if (bytes_equal_text(text, "none") || find_name(policy, text) != NULL) {
        return fail(line, "the name is taken", err);
    }
    policy->names[policy->name_count++] =
        (struct name){ .text = text, .is_group = is_group, .place = place };
    return ST_OK;
}

static enum status parse_key(const struct line *line, struct bytes vkey, enum proof_key_type type,
                             struct proof_key *key, struct error *err)
{
    enum status status = proof_key_parse(vkey, key, err);
    if (status != ST_OK) {
        return error_wrap(err, "witness policy, line %u", line->number);
    }
    if (key->type != type) {
        return fail(line,
                    type == PROOF_KEY_ED25519 ? "the key of a witness, not of a log"
                                              : "the key of a log, not of a witness",
                    err);
    }
    return ST_OK;
}

static bool has_key(const struct proof_key *keys, size_t count, const struct proof_key *key)
{
    for (size_t i = 0; i < count; i++) {
        if (digest_equal(&keys[i].key, &key->key)) {
            return true;
        }
    }
    return false;
}

static enum status too_many(const struct line *line, const char *what, int most, struct error *err)
{
    return error_set(err, ST_UNSUPPORTED, "witness policy, line %u: more than %d %s", line->number,
                     most, what);
}

static enum status take_log(struct proof_policy *policy, const struct line *line, struct error *err)
{
    struct proof_key key;
    if (line->count < 2 || line->count > 3) {
        return fail(line, "expected: log <vkey> [<url>]", err);
    }
    if (policy->log_count == PROOF_POLICY_LOGS_MAX) {
        return too_many(line, "logs", PROOF_POLICY_LOGS_MAX, err);
    }
    enum status status = parse_key(line, line->words[1], PROOF_KEY_ED25519, &key, err);
    if (status == ST_OK && has_key(policy->logs, policy->log_count, &key)) {
        status = fail(line, "the log's key stands twice", err);
    }
    if (status == ST_OK) {
        policy->logs[policy->log_count++] = key;
    }
    return status;
}

static enum status take_witness(struct proof_policy *policy, const struct line *line,
                                struct error *err)
{
    struct proof_key key;
    size_t place = policy->witness_count;
    if (line->count < 3 || line->count > 4) {
        return fail(line, "expected: witness <name> <vkey> [<url>]", err);
    }
    if (place == PROOF_WITNESSES_MAX) {
        return too_many(line, "witnesses", PROOF_WITNESSES_MAX, err);
    }
    struct bytes url = line->count == 4 ? line->words[3] : (struct bytes){ 0 };
    if (url.size > PROOF_POLICY_URL_MAX) {
        return too_many(line, "bytes of a URL", PROOF_POLICY_URL_MAX, err);
    }
    enum status status = parse_key(line, line->words[2], PROOF_KEY_COSIGNATURE, &key, err);
    if (status == ST_OK && has_key(policy->keys, place, &key)) {
        status = fail(line, "the witness's key stands twice", err);
    }
    if (status == ST_OK) {
        status = add_name(policy, line, false, place, err);
    }
    if (status == ST_OK) {
        if (url.size > 0) {
            memcpy(policy->urls[place], url.data, url.size);
        }
        policy->keys[place] = key;
        policy->witnesses[place] =
            (struct proof_policy_witness){ .name = line->words[1], .url = policy->urls[place] };
        policy->witness_count++;
    }
    return status;
}

static enum status take_group(struct proof_policy *policy, const struct line *line,
                              struct error *err)
{
    struct group group = { 0 };
    if (line->count < 4) {
        return fail(line, "expected: group <name> all|any|<k> <name>...", err);
    }
    if (policy->group_count == PROOF_POLICY_GROUPS_MAX) {
        return too_many(line, "groups", PROOF_POLICY_GROUPS_MAX, err);
    }
    for (size_t i = 3; i < line->count; i++) {
        struct name *member = find_name(policy, line->words[i]);
        if (member == NULL || member->is_member) {
            return fail(line,
                        member == NULL ? "a member is not defined above"
                                       : "a member is in a group already",
                        err);
        }
        member->is_member = true;
        group.members[group.count++] = (size_t)(member - policy->names);
    }
    uint64_t threshold = 0;
    if (bytes_equal_text(line->words[2], "all")) {
        threshold = group.count;
    } else if (bytes_equal_text(line->words[2], "any")) {
        threshold = 1;
    } else if (!text_u64_parse(line->words[2], group.count, &threshold) || threshold == 0) {
        return fail(line, "the threshold is all, any, or 1 to the number of members", err);
    }
    group.threshold = (size_t)threshold;
    enum status status = add_name(policy, line, true, policy->group_count, err);
    if (status == ST_OK) {
        policy->groups[policy->group_count++] = group;
    }
    return status;
}

static enum status take_quorum(struct proof_policy *policy, const struct line *line,
                               struct error *err)
{
    if (line->count != 2 || policy->has_quorum_line) {
        return fail(line, "expected once: quorum <name>|none", err);
    }
    policy->has_quorum_line = true;
    if (bytes_equal_text(line->words[1], "none")) {
        return ST_OK;
    }
    const struct name *name = find_name(policy, line->words[1]);
    if (name == NULL) {
        return fail(line, "the quorum's name is not defined above", err);
    }
    policy->has_quorum = true;
    policy->quorum = (size_t)(name - policy->names);
    return ST_OK;
}

static enum status take_line(struct proof_policy *policy, const struct line *line,
                             struct error *err)
{
    static const struct {
        const char *word;
        enum status (*take)(struct proof_policy *, const struct line *, struct error *);
    } kinds[] = { { "log", take_log },
                  { "witness", take_witness },
                  { "group", take_group },
                  { "quorum", take_quorum } };
    if (line->count == 0) {
        return ST_OK;
    }
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (bytes_equal_text(line->words[0], kinds[i].word)) {
            return kinds[i].take(policy, line, err);
        }
    }
    return fail(line, "begins with none of: log, witness, group, quorum", err);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

// Splits a line into words; a comment has none.
static enum status split(struct bytes text, struct line *line, struct error *err)
{
    size_t at = 0;
    line->count = 0;
    while (at < text.size) {
        size_t begin = at;
        while (at < text.size && !is_blank(text.data[at])) {
            bool control = text.data[at] < 0x20 || text.data[at] == 0x7f;
            if (control) {
                return fail(line, "a control character", err);
            }
            at++;
        }
        if (at > begin) {
            if (line->count == WORDS_MAX) {
                return fail(line, "too many words", err);
            }
            line->words[line->count++] = bytes_of(text.data + begin, at - begin);
        }
        at++;
    }
    if (line->count > 0 && line->words[0].data[0] == '#') {
        line->count = 0;
    }
    return ST_OK;
}

static enum status parse_lines(struct proof_policy *policy, struct bytes text, struct error *err)
{
    struct line line = { .number = 0 };
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        line.number++;
        if (end == NULL) {
            return fail(&line, "does not end with a line feed", err);
        }
        size_t size = (size_t)(end - text.data);
        enum status status = split(bytes_of(text.data, size), &line, err);
        if (status == ST_OK) {
            status = take_line(policy, &line, err);
        }
        if (status != ST_OK) {
            return status;
        }
        text = bytes_of(end + 1, text.size - size - 1);
    }
    return policy->has_quorum_line
               ? ST_OK
               : error_set(err, ST_MALFORMED, "witness policy: there is no quorum line");
}

enum status proof_policy_parse(struct bytes text, struct proof_policy **policy, struct error *err)
{
    if (text.size > PROOF_POLICY_BYTES_MAX) {
        return error_set(err, ST_UNSUPPORTED, "witness policy: longer than %d bytes",
                         PROOF_POLICY_BYTES_MAX);
    }
    struct proof_policy *made = calloc(1, sizeof(*made));
    if (made == NULL || (made->text = malloc(text.size + 1)) == NULL) {
        proof_policy_destroy(&made);
        return error_set(err, ST_NOMEM, "witness policy: no memory");
    }
    if (text.size > 0) {
        memcpy(made->text, text.data, text.size);
    }
    enum status status = parse_lines(made, bytes_of(made->text, text.size), err);
    if (status != ST_OK) {
        proof_policy_destroy(&made);
        return status;
    }
    *policy = made;
    return ST_OK;
}

void proof_policy_destroy(struct proof_policy **policy)
{
    if (*policy != NULL) {
        free((*policy)->text);
        free(*policy);
        *policy = NULL;
    }
}

bool proof_policy_has_log(const struct proof_policy *policy, const struct proof_key *log,
                          size_t log_count)
{
    bool found = false;
    for (size_t i = 0; i < policy->log_count; i++) {
        for (size_t k = 0; k < log_count; k++) {
            found = found || (digest_equal(&policy->logs[i].key, &log[k].key) &&
                              strcmp(policy->logs[i].name, log[k].name) == 0);
        }
    }
    return found;
}

size_t proof_policy_witness_count(const struct proof_policy *policy)
{
    return policy->witness_count;
}

const struct proof_policy_witness *proof_policy_witness_at(const struct proof_policy *policy,
                                                           size_t i)
{
    return &policy->witnesses[i];
}

const struct proof_key *proof_policy_keys(const struct proof_policy *policy)
{
    return policy->keys;
}

bool proof_policy_has_quorum(const struct proof_policy *policy)
{
    return policy->has_quorum;
}

bool proof_policy_is_met(const struct proof_policy *policy, const bool *cosigned)
{
    bool met[NAMES_MAX] = { false };
    // A name's members stand before it: one pass settles all.
    for (size_t i = 0; i < policy->name_count; i++) {
        const struct name *name = &policy->names[i];
        if (!name->is_group) {
            met[i] = cosigned[name->place];
            continue;
        }
        const struct group *group = &policy->groups[name->place];
        size_t count = 0;
        for (size_t k = 0; k < group->count; k++) {
            count += met[group->members[k]] ? 1 : 0;
        }
        met[i] = count >= group->threshold;
    }
    return policy->has_quorum && met[policy->quorum];
}

enum status proof_policy_check(const struct proof_policy *policy, struct bytes note,
                               const struct proof_key *log, size_t log_count,
                               struct proof_checkpoint *checkpoint,
                               struct proof_policy_finding *finding, struct error *err)
{
    struct proof_seen seen[PROOF_WITNESSES_MAX];
    bool cosigned[PROOF_WITNESSES_MAX] = { false };
    struct proof_policy_finding found = { 0 };
    if (!proof_policy_has_log(policy, log, log_count)) {
        return error_set(err, ST_UNPROVEN, "the witness policy does not name the log %s",
                         log->name);
    }
    enum status status = proof_checkpoint_open_by(note, log, log_count, policy->keys,
                                                  policy->witness_count, seen, checkpoint, err);
    if (status != ST_OK) {
        return status;
    }
    for (size_t i = 0; i < policy->witness_count; i++) {
        cosigned[i] = seen[i].verified;
        found.witnesses += cosigned[i] ? 1 : 0;
        found.time_s = cosigned[i] && seen[i].time_s > found.time_s ? seen[i].time_s : found.time_s;
    }
    found.met = proof_policy_is_met(policy, cosigned);
    *finding = found;
    return ST_OK;
}
