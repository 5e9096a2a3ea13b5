// The door to libyaml: its document becomes a tree of our own, which owns its texts and outlives
// the parser. libyaml shares a node between all aliases; here each use is a copy, so every reader
// sees a plain tree, and the bound on items stops a file whose aliases multiply. Nothing is
// interpreted: scalars stay text until the schema says what they are.
#include "yaml/tree.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/text.h"

enum { ARENA_BYTES = 256 << 20 };

struct yaml_tree {
    struct arena *arena;
    const char *name;
    struct yaml_item root;
};

struct copying {
    yaml_document_t *document;
    struct yaml_tree *tree;
    size_t items;
};

static enum status fail_at(const struct yaml_tree *tree, unsigned line, const char *what,
                           struct error *err)
{
    return error_set(err, ST_MALFORMED, "%s:%u: %s", tree->name, line, what);
}

static enum status copy_item(struct copying *copying, int number, unsigned depth,
                             struct yaml_item *out, struct error *err);

static bool tag_is(const yaml_node_t *node, const char *tag)
{
    return node->tag == NULL || strcmp((const char *)node->tag, tag) == 0;
}

static enum status copy_scalar(struct copying *copying, const yaml_node_t *node,
                               struct yaml_item *out, struct error *err)
{
    struct bytes text = bytes_of(node->data.scalar.value, node->data.scalar.length);
    if (!tag_is(node, YAML_STR_TAG)) {
        return fail_at(copying->tree, out->line, "tags are not used here", err);
    }
    if (!text_utf8_valid(text)) {
        return fail_at(copying->tree, out->line, "a text holds a NUL or is not UTF-8", err);
    }
    out->kind = YAML_SCALAR;
    out->quoted = node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    out->text = arena_text(copying->tree->arena, text);
    if (out->text == NULL) {
        return error_set(err, ST_NOMEM, "%s", copying->tree->name);
    }
    return ST_OK;
}

static enum status copy_sequence(struct copying *copying, const yaml_node_t *node, unsigned depth,
                                 struct yaml_item *out, struct error *err)
{
    const yaml_node_item_t *start = node->data.sequence.items.start;
    size_t count = (size_t)(node->data.sequence.items.top - start);
    if (!tag_is(node, YAML_SEQ_TAG)) {
        return fail_at(copying->tree, out->line, "tags are not used here", err);
    }
    struct yaml_item *items = arena_take(copying->tree->arena, (count + 1) * sizeof(*items));
    if (items == NULL) {
        return error_set(err, ST_NOMEM, "%s", copying->tree->name);
    }
    for (size_t i = 0; i < count; i++) {
        enum status status = copy_item(copying, start[i], depth + 1, &items[i], err);
        if (status != ST_OK) {
            return status;
        }
    }
    out->kind = YAML_SEQUENCE;
    out->count = count;
    out->items = items;
    return ST_OK;
}

static int compare_keys(const void *left, const void *right)
{
    const struct yaml_item *const *a = left;
    const struct yaml_item *const *b = right;
    int order = strcmp((*a)->text, (*b)->text);
    return order != 0 ? order : ((*a)->line > (*b)->line) - ((*a)->line < (*b)->line);
}

static enum status check_keys(struct copying *copying, const struct yaml_item *keys, size_t count,
                              struct error *err)
{
    const struct yaml_item **sorted = calloc(count + 1, sizeof(*sorted));
    enum status status = ST_OK;
    if (sorted == NULL) {
        return error_set(err, ST_NOMEM, "%s", copying->tree->name);
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &keys[i];
    }
    qsort(sorted, count, sizeof(*sorted), compare_keys);
    for (size_t i = 1; i < count && status == ST_OK; i++) {
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0) {
            status = error_set(err, ST_MALFORMED, "%s:%u: the key '%.64s' stands here twice",
                               copying->tree->name, sorted[i]->line, sorted[i]->text);
        }
    }
    free(sorted);
    return status;
}

static enum status copy_mapping(struct copying *copying, const yaml_node_t *node, unsigned depth,
                                struct yaml_item *out, struct error *err)
{
    const yaml_node_pair_t *start = node->data.mapping.pairs.start;
    size_t count = (size_t)(node->data.mapping.pairs.top - start);
    if (!tag_is(node, YAML_MAP_TAG)) {
        return fail_at(copying->tree, out->line, "tags are not used here", err);
    }
    struct yaml_item *keys = arena_take(copying->tree->arena, (count + 1) * sizeof(*keys));
    struct yaml_item *values = arena_take(copying->tree->arena, (count + 1) * sizeof(*values));
    if (keys == NULL || values == NULL) {
        return error_set(err, ST_NOMEM, "%s", copying->tree->name);
    }
    for (size_t i = 0; i < count; i++) {
        enum status status = copy_item(copying, start[i].key, depth + 1, &keys[i], err);
        if (status == ST_OK && keys[i].kind != YAML_SCALAR) {
            status = fail_at(copying->tree, keys[i].line, "a key must be plain text", err);
        }
        if (status == ST_OK && !keys[i].quoted && strcmp(keys[i].text, "<<") == 0) {
            status = fail_at(copying->tree, keys[i].line, "merge keys are not used here", err);
        }
        if (status == ST_OK) {
            status = copy_item(copying, start[i].value, depth + 1, &values[i], err);
        }
        if (status != ST_OK) {
            return status;
        }
    }
    out->kind = YAML_MAPPING;
    out->count = count;
    out->items = values;
    out->keys = keys;
    return check_keys(copying, keys, count, err);
}

static enum status copy_item(struct copying *copying, int number, unsigned depth,
                             struct yaml_item *out, struct error *err)
{
    const yaml_node_t *node = yaml_document_get_node(copying->document, number);
    if (node == NULL) {
        return error_set(err, ST_MALFORMED, "%s: cut short", copying->tree->name);
    }
    out->line = (unsigned)node->start_mark.line + 1;
    if (depth > YAML_TREE_DEPTH_MAX) {
        return fail_at(copying->tree, out->line, "nested too deeply, or an alias of itself", err);
    }
    if (++copying->items > YAML_TREE_ITEMS_MAX) {
        return fail_at(copying->tree, out->line, "too many items", err);
    }
    switch (node->type) {
    case YAML_SCALAR_NODE:
        return copy_scalar(copying, node, out, err);
    case YAML_SEQUENCE_NODE:
        return copy_sequence(copying, node, depth, out, err);
    case YAML_MAPPING_NODE:
        return copy_mapping(copying, node, depth, out, err);
    case YAML_NO_NODE:
        break;
    }
    return fail_at(copying->tree, out->line, "an item of no kind", err);
}

// libyaml's reason with the line that it names.
static enum status parser_failure(const yaml_parser_t *parser, const char *name, struct error *err)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return error_set(err, ST_NOMEM, "%s", name);
    }
    unsigned line = (unsigned)parser->problem_mark.line + 1;
    return error_set(err, ST_MALFORMED, "%s:%u: %s", name, line,
                     parser->problem != NULL ? parser->problem : "not YAML");
}

// The parser must be at the end of its input.
static enum status expect_end(yaml_parser_t *parser, const char *name, struct error *err)
{
    yaml_document_t more;
    if (!yaml_parser_load(parser, &more)) {
        return parser_failure(parser, name, err);
    }
    const yaml_node_t *root = yaml_document_get_root_node(&more);
    unsigned line = root != NULL ? (unsigned)root->start_mark.line + 1 : 0;
    yaml_document_delete(&more);
    if (line != 0) {
        return error_set(err, ST_MALFORMED, "%s:%u: a second document", name, line);
    }
    return ST_OK;
}

static enum status load(struct yaml_tree *tree, struct bytes text, struct error *err)
{
    static const unsigned char nothing[1] = { 0 };
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) {
        return error_set(err, ST_NOMEM, "%s", tree->name);
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.size != 0 ? text.data : nothing, text.size);
    if (!yaml_parser_load(&parser, &document)) {
        enum status failed = parser_failure(&parser, tree->name, err);
        yaml_parser_delete(&parser);
        return failed;
    }
    enum status status = ST_OK;
    if (yaml_document_get_root_node(&document) == NULL) {
        tree->root = (struct yaml_item){ .kind = YAML_MAPPING, .line = 1 };
    } else {
        struct copying copying = { .document = &document, .tree = tree };
        status = copy_item(&copying, 1, 0, &tree->root, err);
        if (status == ST_OK) {
            status = expect_end(&parser, tree->name, err);
        }
    }
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return status;
}

enum status yaml_tree_parse(struct bytes text, const char *name, struct yaml_tree **tree,
                            struct error *err)
{
    if (text.size > YAML_TREE_BYTES_MAX) {
        return error_set(err, ST_MALFORMED, "%s: larger than %d bytes", name, YAML_TREE_BYTES_MAX);
    }
    struct yaml_tree *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "%s", name);
    }
    enum status status = ST_OK;
    made->arena = arena_create(ARENA_BYTES);
    made->name = made->arena != NULL ? arena_text(made->arena, bytes_text(name)) : NULL;
    if (made->name == NULL) {
        status = error_set(err, ST_NOMEM, "%s", name);
    } else {
        status = load(made, text, err);
    }
    if (status != ST_OK) {
        yaml_tree_destroy(&made);
        return status;
    }
    *tree = made;
    return ST_OK;
}

void yaml_tree_destroy(struct yaml_tree **tree)
{
    if (*tree != NULL) {
        arena_destroy(&(*tree)->arena);
        free(*tree);
        *tree = NULL;
    }
}

const struct yaml_item *yaml_tree_root(const struct yaml_tree *tree)
{
    return &tree->root;
}

const char *yaml_tree_name(const struct yaml_tree *tree)
{
    return tree->name;
}

const struct yaml_item *yaml_item_find(const struct yaml_item *mapping, const char *key)
{
    if (mapping->kind != YAML_MAPPING) {
        return NULL;
    }
    for (size_t i = 0; i < mapping->count; i++) {
        if (strcmp(mapping->keys[i].text, key) == 0) {
            return &mapping->items[i];
        }
    }
    return NULL;
}
