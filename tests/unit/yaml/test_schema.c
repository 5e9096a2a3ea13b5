// The table engine: what it reads, what it refuses, what it writes about itself.
#include "yaml/schema.h"

#include "test.h"
#include "yaml/units.h"

struct inner {
    const char *name;
    unsigned line;
    uint64_t weight;
};

struct outer {
    const char *text;
    const char *code;
    uint64_t number;
    int64_t wait_ms;
    uint64_t size_bytes;
    bool flag;
    int choice;
    struct {
        uint64_t depth;
        const char *word;
    } nested;
    struct yaml_list numbers; // uint64_t
    struct yaml_list inners;  // struct inner
};

#define END                                                                                        \
    {                                                                                              \
        .kind = YAML_RULE_END                                                                      \
    }
#define O(member) offsetof(struct outer, member)

static const char *const words[] = { "red", "green", NULL };
static const struct yaml_rule number_item = { .kind = YAML_RULE_NUMBER, .max = 9 };
static const struct yaml_rule inner_rules[] = {
    { "weight", YAML_RULE_NUMBER, offsetof(struct inner, weight), .preset = "7", .max = 100,
      .help = "how heavy" },
    END,
};
static const struct yaml_shape inner_shape = { sizeof(struct inner), inner_rules, NULL,
                                               offsetof(struct inner, name),
                                               offsetof(struct inner, line) };
static const struct yaml_rule nested_rules[] = {
    { "depth", YAML_RULE_NUMBER, O(nested.depth), .preset = "3", .min = 1, .max = 5,
      .help = "how deep" },
    { "word", YAML_RULE_TEXT, O(nested.word), .preset = "deep", .help = "a word" },
    END,
};
static const struct yaml_shape nested_shape = { sizeof(struct outer), nested_rules, NULL,
                                                YAML_NO_OFFSET, YAML_NO_OFFSET };
static const struct yaml_rule outer_rules[] = {
    { "text", YAML_RULE_TEXT, O(text), .required = true, .min = 1, .max = 10, .help = "a text" },
    { "code", YAML_RULE_CODE, O(code), .help = "a code" },
    { "number", YAML_RULE_NUMBER, O(number), .preset = "5", .min = 2, .max = 8,
      .help = "a number" },
    { "wait", YAML_RULE_DURATION, O(wait_ms), .preset = "5 s", .min = 1000, .max = 60000,
      .help = "a wait" },
    { "size", YAML_RULE_SIZE, O(size_bytes), .preset = "64 KB", .help = "a size" },
    { "flag", YAML_RULE_BOOL, O(flag), .preset = "true", .help = "a flag" },
    { "choice", YAML_RULE_CHOICE, O(choice), .preset = "green", .words = words,
      .help = "a choice" },
    { "nested", YAML_RULE_RECORD, 0, .shape = &nested_shape, .help = "more" },
    { "numbers", YAML_RULE_LIST, O(numbers), .max = 3, .of = &number_item, .help = "numbers" },
    { "inners", YAML_RULE_TABLE, O(inners), .max = 3, .shape = &inner_shape, .help = "things" },
    END,
};
static const struct yaml_shape outer_shape = { sizeof(struct outer), outer_rules, NULL,
                                               YAML_NO_OFFSET, YAML_NO_OFFSET };

static enum status read_outer(const char *text, struct arena *arena, struct outer *outer,
                              struct error *err)
{
    struct yaml_tree *tree = NULL;
    memset(outer, 0, sizeof(*outer));
    assert_int_equal(yaml_tree_parse(bytes_text(text), "f", &tree, err), ST_OK);
    enum status status =
        yaml_schema_read(&outer_shape, yaml_tree_root(tree), "f", arena, outer, err);
    yaml_tree_destroy(&tree);
    return status;
}

static void assert_refused(const char *text, const char *message)
{
    struct error err;
    struct outer outer;
    struct arena *arena = arena_create(1 << 16);
    assert_status(ST_MALFORMED, read_outer(text, arena, &outer, &err));
    if (strcmp(err.message, message) != 0) {
        fail_msg("'%s', not '%s'", err.message, message);
    }
    arena_destroy(&arena);
}

TEST(a_whole_file_is_read)
{
    struct error err;
    struct outer outer;
    struct arena *arena = arena_create(1 << 16);
    assert_ok(read_outer("text: 7\ncode: a/b-c.d_e\nnumber: 8\nwait: 2 s\nsize: 3 MB\nflag: false\n"
                         "choice: red\nnested: {depth: 1}\nnumbers: [1, 9]\n"
                         "inners:\n  b: {weight: 1}\n  a: {}\n",
                         arena, &outer, &err));
    assert_string_equal(outer.text, "7");
    assert_string_equal(outer.code, "a/b-c.d_e");
    assert_int_equal(outer.number, 8);
    assert_int_equal(outer.wait_ms, 2000);
    assert_int_equal(outer.size_bytes, 3 << 20);
    assert_false(outer.flag);
    assert_int_equal(outer.choice, 0);
    assert_int_equal(outer.nested.depth, 1);
    assert_string_equal(outer.nested.word, "deep");
    assert_int_equal(outer.numbers.count, 2);
    assert_int_equal(((const uint64_t *)outer.numbers.items)[1], 9);
    const struct inner *inners = outer.inners.items;
    assert_int_equal(outer.inners.count, 2);
    assert_string_equal(inners[1].name, "a");
    assert_int_equal(inners[1].weight, 7);
    assert_int_equal(inners[1].line, 12);
    arena_destroy(&arena);
}

TEST(what_is_left_out_takes_its_default)
{
    struct error err;
    struct outer outer;
    struct arena *arena = arena_create(1 << 16);
    assert_ok(read_outer("text: x\n", arena, &outer, &err));
    assert_string_equal(outer.code, "");
    assert_int_equal(outer.number, 5);
    assert_int_equal(outer.wait_ms, 5000);
    assert_int_equal(outer.size_bytes, 65536);
    assert_true(outer.flag);
    assert_int_equal(outer.choice, 1);
    assert_int_equal(outer.nested.depth, 3);
    assert_int_equal(outer.numbers.count, 0);
    arena_destroy(&arena);
}

TEST(each_fault_is_told_with_line_key_and_what_was_expected)
{
    assert_refused("number: 3\n", "f:1: text: the key is missing");
    assert_refused("text: x\nnumbr: 3\n", "f:2: numbr: there is no such key");
    assert_refused("text: x\nnumber: 9\n",
                   "f:2: number: expected a whole number, 2 to 8, found '9'");
    assert_refused("text: x\nnumber: \"3\"\n",
                   "f:2: number: expected a whole number, 2 to 8, found '3'");
    assert_refused("text: x\nnumber: 03\n",
                   "f:2: number: expected a whole number, 2 to 8, found '03'");
    assert_refused("text: \"12345678901\"\n",
                   "f:1: text: expected text, 1 to 10 bytes, found '12345678901'");
    assert_refused("text: x\ncode: a b\n", "f:2: code: expected a code, found 'a b'");
    assert_refused("text: x\nwait: 2\n",
                   "f:2: wait: expected a duration such as '5 s', 1 s to 1 min, found '2'");
    assert_refused("text: x\nwait: 2 min\n",
                   "f:2: wait: expected a duration such as '5 s', 1 s to 1 min, found '2 min'");
    assert_refused("text: x\nflag: yes\n", "f:2: flag: expected true or false, found 'yes'");
    assert_refused("text: x\nchoice: blue\n",
                   "f:2: choice: expected one of red, green, found 'blue'");
    assert_refused("text: x\nnested: 3\n", "f:2: nested: expected a mapping, found '3'");
    assert_refused("text: x\nnested:\n  depth: 6\n",
                   "f:3: nested.depth: expected a whole number, 1 to 5, found '6'");
    assert_refused("text: x\nnumbers: [1, 10]\n",
                   "f:2: numbers[1]: expected a whole number, 0 to 9, found '10'");
    assert_refused("text: x\nnumbers: [1, 1, 1, 1]\n",
                   "f:2: numbers: expected 0 to 3 items, not 4");
    assert_refused("text: x\nnumbers: 1\n",
                   "f:2: numbers: expected a list of a whole number, 0 to 9, found '1'");
    assert_refused("text: x\ninners:\n  a b: {}\n",
                   "f:3: inners.a b: expected a code, 1 or more bytes, found 'a b'");
    assert_refused("text: x\ninners: {a: {weight: 101}}\n",
                   "f:2: inners.a.weight: expected a whole number, 0 to 100, found '101'");
    assert_refused("text: [x]\n", "f:1: text: expected text, 1 to 10 bytes");
}

TEST(no_memory_is_told_apart_from_a_bad_file)
{
    struct error err;
    struct outer outer;
    struct arena *arena = arena_create(16);
    assert_status(ST_NOMEM,
                  read_outer("text: 1234567890\nnumbers: [1, 2, 3]\n", arena, &outer, &err));
    arena_destroy(&arena);
}

TEST(the_reference_names_every_key)
{
    struct buffer out = buffer_init(1 << 16);
    yaml_schema_markdown(&outer_shape, &out);
    buffer_u8(&out, 0);
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text, "| `number` | a whole number, 2 to 8 | `5` | a number |\n"));
    assert_non_null(strstr(text, "| `nested.depth` | a whole number, 1 to 5 | `3` | how deep |"));
    assert_non_null(strstr(text, "| `inners.NAME.weight` |"));
    assert_non_null(strstr(text, "| `text` | text, 1 to 10 bytes | required |"));
    buffer_fini(&out);
}

TEST(durations_and_sizes_read_as_people_write_them)
{
    static const char *const bad[] = { "",
                                       "5",
                                       "5s",
                                       "5  s",
                                       " 5 s",
                                       "s",
                                       "-1 s",
                                       "1.5 s",
                                       "5 S",
                                       "10001 d",
                                       "99999999999999999999 s" };
    int64_t ms = 0;
    uint64_t bytes = 0;
    assert_true(yaml_duration_parse("90 min", &ms));
    assert_int_equal(ms, 5400000);
    assert_true(yaml_duration_parse("30 d", &ms));
    assert_int_equal(ms, 30ll * 86400000);
    assert_true(yaml_size_parse("2 TB", &bytes));
    assert_true(bytes == 2ull << 40);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(yaml_duration_parse(bad[i], &ms));
        assert_false(yaml_size_parse(bad[i], &bytes));
    }
    struct buffer out = buffer_init(64);
    yaml_duration_format(90000, &out);
    yaml_duration_format(120000, &out);
    yaml_size_format(65536, &out);
    yaml_size_format(0, &out);
    assert_true(bytes_equal_text(buffer_view(&out), "90 s2 min64 KB0 B"));
    buffer_fini(&out);
}
