// YAML as a tree that remembers its lines.
#include "yaml/tree.h"

#include <stdio.h>

#include "base/buffer.h"
#include "test.h"

static struct yaml_tree *parse(const char *text)
{
    struct error err;
    struct yaml_tree *tree = NULL;
    assert_ok(yaml_tree_parse(bytes_text(text), "file.yaml", &tree, &err));
    return tree;
}

static void assert_refused(const char *text, size_t size, const char *message)
{
    struct error err;
    struct yaml_tree *tree = NULL;
    assert_status(ST_MALFORMED, yaml_tree_parse(bytes_of(text, size), "file.yaml", &tree, &err));
    assert_null(tree);
    if (strstr(err.message, message) == NULL) {
        fail_msg("'%s' does not say '%s'", err.message, message);
    }
}

#define ASSERT_REFUSED(text, message) assert_refused(text, sizeof(text) - 1, message)

TEST(items_keep_their_lines_and_kinds)
{
    struct yaml_tree *tree = parse("a: 1\nlist:\n  - x\n  - \"2\"\nmap: {k: v}\n");
    const struct yaml_item *root = yaml_tree_root(tree);
    assert_int_equal(root->kind, YAML_MAPPING);
    assert_int_equal(root->count, 3);
    const struct yaml_item *list = yaml_item_find(root, "list");
    assert_int_equal(list->kind, YAML_SEQUENCE);
    assert_int_equal(list->items[1].line, 4);
    assert_true(list->items[1].quoted);
    assert_false(list->items[0].quoted);
    assert_string_equal(yaml_item_find(yaml_item_find(root, "map"), "k")->text, "v");
    assert_null(yaml_item_find(root, "nothing"));
    assert_null(yaml_item_find(list, "a"));
    yaml_tree_destroy(&tree);
    yaml_tree_destroy(&tree);
}

TEST(an_empty_file_is_an_empty_mapping)
{
    static const char *const texts[] = { "", "# nothing\n", "\n\n" };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct yaml_tree *tree = parse(texts[i]);
        assert_int_equal(yaml_tree_root(tree)->kind, YAML_MAPPING);
        assert_int_equal(yaml_tree_root(tree)->count, 0);
        yaml_tree_destroy(&tree);
    }
}

TEST(an_alias_is_a_copy)
{
    struct yaml_tree *tree = parse("a: &x {k: [1, 2]}\nb: *x\n");
    const struct yaml_item *copy = yaml_item_find(yaml_tree_root(tree), "b");
    assert_string_equal(yaml_item_find(copy, "k")->items[1].text, "2");
    yaml_tree_destroy(&tree);
}

TEST(a_key_given_twice_is_refused_with_its_line)
{
    ASSERT_REFUSED("a: 1\nb: 2\na: 3\n", "file.yaml:3: the key 'a' stands here twice");
}

TEST(an_alias_inside_what_it_names_is_refused)
{
    ASSERT_REFUSED("a: &x [*x]\n", "an alias of itself");
}

TEST(aliases_that_multiply_are_refused)
{
    struct buffer text = buffer_init(1 << 16);
    buffer_text(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        buffer_format(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++) {
            buffer_format(&text, "%s*a%d", j == 0 ? "" : ", ", i - 1);
        }
        buffer_text(&text, "]\n");
    }
    assert_refused((const char *)text.data, text.size, "too many items");
    buffer_fini(&text);
}

TEST(what_nests_too_deeply_is_refused)
{
    char text[256];
    memset(text, '[', 100);
    memset(text + 100, ']', 100);
    assert_refused(text, 200, "nested too deeply");
}

TEST(what_is_not_plain_yaml_is_refused)
{
    ASSERT_REFUSED("a: !!int 3\n", "tags are not used");
    ASSERT_REFUSED("a: !x [1]\n", "tags are not used");
    ASSERT_REFUSED("base: &b {k: v}\na:\n  <<: *b\n", "merge keys are not used");
    ASSERT_REFUSED("[a]: 1\n", "a key must be plain text");
    ASSERT_REFUSED("a: 1\n---\nb: 2\n", "a second document");
    ASSERT_REFUSED("a: [1\n", "file.yaml:2");
    ASSERT_REFUSED("a: *nobody\n", "file.yaml:1");
    ASSERT_REFUSED("a: \"\\0\"\n", "NUL");
    ASSERT_REFUSED("a: \xff\n", "file.yaml");
    ASSERT_REFUSED("\xff\xfe"
                   "a\0:\0",
                   "file.yaml");
}

TEST(a_file_past_the_bound_is_refused)
{
    struct error err;
    struct yaml_tree *tree = NULL;
    struct bytes large = bytes_of("", (size_t)YAML_TREE_BYTES_MAX + 1);
    assert_status(ST_MALFORMED, yaml_tree_parse(large, "file.yaml", &tree, &err));
}
