// Members' keys as the broker lists them.
#include "directory.h"

struct visiting {
    struct link *link;
    directory_visit visit;
    void *context;
};

static enum status visit_row(void *context, const struct wire_row *row, struct error *err)
{
    struct visiting *visiting = context;
    struct directory_key key = {
        .state = row->state,
        .index = row->index,
    };
    enum status status = registry_card_verify(row->card, link_origin(visiting->link),
                                              link_registrar(visiting->link), &key.card, err);
    if (status != ST_OK) {
        return error_wrap(err, "the broker's list of members");
    }
    return visiting->visit(visiting->context, &key, err);
}

enum status directory_each(struct link *link, const char *member, directory_visit visit,
                           void *context, struct error *err)
{
    struct visiting visiting = { .link = link, .visit = visit, .context = context };
    struct wire_query query = {
        .kind = WIRE_QUERY_MEMBERS,
        .member = member == NULL ? (struct bytes){ 0 } : bytes_text(member),
    };
    return link_each(link, &query, 0, visit_row, &visiting, err);
}

const char *directory_state_name(uint32_t state)
{
    switch (state) {
    case WIRE_MEMBER_ACTIVE:
        return "active";
    case WIRE_MEMBER_SUSPENDED:
        return "suspended";
    case WIRE_MEMBER_REVOKED:
        return "revoked";
    default:
        return "unknown";
    }
}
