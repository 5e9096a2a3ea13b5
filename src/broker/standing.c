// Standing of members and keys, keys of counters.
#include "broker/standing.h"

#include "seal/hash.h"

struct digest standing_counter_key(const struct policy_counter *counter,
                                   const struct audit_tag *tag)
{
    uint8_t identity[POLICY_COUNTER_BYTES];
    size_t size = policy_counter_identity(counter, audit_tag_view(tag), identity);
    // A consent's uses are its citizen's, whatever id another citizen's consent has.
    bool personal = counter->kind == POLICY_COUNTER_CONSENT;
    struct bytes parts[] = { seal_label("vedomo/1 counter"), bytes_of(identity, size),
                             personal ? audit_tag_view(tag) : (struct bytes){ 0 } };
    return seal_blake2b((struct bytes){ 0 }, parts, ARRAY_COUNT(parts));
}

enum policy_standing standing_of_member(const struct registry *registry, struct bytes code)
{
    const struct registry_member *member = registry_member_find(registry, code);
    if (member == NULL) {
        return POLICY_STANDING_UNKNOWN;
    }
    return member->state == REGISTRY_MEMBER_ACTIVE ? POLICY_STANDING_ACTIVE
                                                   : POLICY_STANDING_SUSPENDED;
}

enum policy_standing standing_of_key(const struct registry *registry, const struct digest *key,
                                     int64_t now_ms)
{
    switch (registry_key_standing(registry_by_batch(registry, key), (uint64_t)now_ms)) {
    case REGISTRY_GOOD:
    case REGISTRY_SUSPENDED:
        return POLICY_STANDING_ACTIVE;
    case REGISTRY_REVOKED:
    case REGISTRY_EARLY:
    case REGISTRY_ENDED:
        return POLICY_STANDING_REVOKED;
    case REGISTRY_UNKNOWN:
        break;
    }
    return POLICY_STANDING_UNKNOWN;
}
