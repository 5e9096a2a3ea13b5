#include "proof/note.h"

#include "base/text.h"
#include "signer.h"

#include <stdio.h>

#define LOG_VKEY     "example.com/audit+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define WITNESS_VKEY "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
#define TEXT         "example.com/audit\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
#define LOG_LINE                                                                                   \
    "\xe2\x80\x94 example.com/audit "                                                              \
    "Kbh7/MMDZzUK+Vn5aeiirlU7DkzTjY8Q014NWv4lp/DhLnxVQP9jgD8Wxf7HAzHwZgfJfgl/"                     \
    "Sxj8AshRwfohrAwzAw0=\n"
#define WITNESS_LINE                                                                               \
    "\xe2\x80\x94 witness.example/w1 "                                                             \
    "IDJKvgAAAABpVbkAv+U4r9gC1f8emdIaZqAYvGk2yEw6YOcQcjrLXhJBp9wYuwn//"                            \
    "ed6upYLYgR8oVlG4NhvoBK50mM2H"                                                                 \
    "/vVXGyjBg==\n"
#define OTHER_LINE                                                                                 \
    "\xe2\x80\x94 else.example/log "                                                               \
    "AAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
    "AAA=\n"
#define NOTE TEXT "\n" LOG_LINE WITNESS_LINE

static struct proof_key key_of(const char *vkey)
{
    struct error err;
    struct proof_key key;
    assert_ok(proof_key_parse(bytes_text(vkey), &key, &err));
    return key;
}

static struct proof_checkpoint reference_checkpoint(void)
{
    return (struct proof_checkpoint){
        .origin = "example.com/audit",
        .size = 8,
        .root = hex_digest("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    };
}

TEST(a_vkey_is_made_from_name_and_key_and_reads_back)
{
    struct error err;
    struct seal_signer *signer = signer_of(0);
    struct proof_key key;
    assert_ok(proof_key_make("example.com/audit", PROOF_KEY_ED25519, seal_signer_key(signer), &key,
                             &err));
    struct buffer text = buffer_init(200);
    proof_key_format(&key, &text);
    assert_true(bytes_equal_text(buffer_view(&text), LOG_VKEY));
    struct proof_key read = key_of(LOG_VKEY);
    assert_string_equal(read.name, "example.com/audit");
    assert_int_equal(read.id, 0x29b87bfc);
    assert_int_equal(read.type, PROOF_KEY_ED25519);
    assert_true(digest_equal(&read.key, seal_signer_key(signer)));
    read = key_of(WITNESS_VKEY);
    assert_int_equal(read.type, PROOF_KEY_COSIGNATURE);
    buffer_fini(&text);
    seal_signer_destroy(&signer);
}

TEST(the_vkey_of_the_published_example_is_read)
{
    struct proof_key key =
        key_of("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    assert_string_equal(key.name, "example.com/foo");
    assert_int_equal(key.id, 0x530d903a);
}

TEST(what_is_no_vkey_is_refused)
{
    static const struct {
        enum status status;
        const char *text;
    } cases[] = {
        { ST_MALFORMED, "" },
        { ST_MALFORMED, "example.com/audit" },
        { ST_MALFORMED, "example.com/audit+29b87bfc" },
        { ST_MALFORMED, "+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4" },
        { ST_MALFORMED, "example.com/audit+29B87BFC+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4" },
        { ST_MALFORMED, "example.com/audit+29b87bfd+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4" },
        { ST_MALFORMED, "example.com/audiT+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4" },
        { ST_MALFORMED, "example com+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4" },
        { ST_MALFORMED, "example.com/audit+29b87bfc+AQOhB7" },
        { ST_MALFORMED, "example.com/audit+29b87bfc+AQOh" },
        { ST_MALFORMED, "example.com/audit+29b87bfc+" },
        { ST_MALFORMED, LOG_VKEY "\n" },
        { ST_UNSUPPORTED,
          "example.com/audit+29b87bfc+AgOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4" },
        { ST_UNSUPPORTED, "example.com/audit+29b87bfc+Bg==" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err;
        struct proof_key key;
        assert_status(cases[i].status, proof_key_parse(bytes_text(cases[i].text), &key, &err));
    }
}

TEST(names_with_spaces_or_a_plus_are_refused)
{
    static const char no_break_space[] = "a\xc2\xa0"
                                         "b";
    static const char *const names[] = { "",    "a b",          "a+b",
                                         "a\n", no_break_space, "a\xe3\x80\x80",
                                         "\xff" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct error err;
        struct proof_key key;
        struct digest public_key = count_digest(1);
        assert_status(ST_USAGE,
                      proof_key_make(names[i], PROOF_KEY_ED25519, &public_key, &key, &err));
    }
    char longest[PROOF_NAME_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[PROOF_NAME_MAX + 1] = '\0';
    struct error err;
    struct proof_key key;
    struct digest public_key = count_digest(1);
    assert_status(ST_USAGE, proof_key_make(longest, PROOF_KEY_ED25519, &public_key, &key, &err));
    longest[PROOF_NAME_MAX] = '\0';
    assert_ok(proof_key_make(longest, PROOF_KEY_ED25519, &public_key, &key, &err));
}

TEST(a_signed_checkpoint_is_the_reference_note_byte_by_byte)
{
    struct seal_signer *log_signer = signer_of(0x00);
    struct seal_signer *witness_signer = signer_of(0x20);
    struct proof_key log = key_of(LOG_VKEY);
    struct proof_key witness = key_of(WITNESS_VKEY);
    struct proof_checkpoint checkpoint = reference_checkpoint();
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    proof_checkpoint_sign(&checkpoint, &log, log_signer, &note);
    proof_note_sign(bytes_text(TEXT), &witness, witness_signer, 1767225600, &note);
    assert_true(bytes_equal_text(buffer_view(&note), NOTE));
    buffer_fini(&note);
    seal_signer_destroy(&log_signer);
    seal_signer_destroy(&witness_signer);
}

TEST(the_reference_note_opens_with_its_witness)
{
    struct error err;
    struct proof_key log = key_of(LOG_VKEY);
    struct proof_key witness = key_of(WITNESS_VKEY);
    struct proof_checkpoint wanted = reference_checkpoint();
    struct proof_checkpoint checkpoint;
    struct proof_seen seen;
    assert_ok(
        proof_checkpoint_witnessed(bytes_text(NOTE), &log, &witness, 1, &seen, &checkpoint, &err));
    assert_string_equal(checkpoint.origin, wanted.origin);
    assert_int_equal(checkpoint.size, 8);
    assert_true(digest_equal(&checkpoint.root, &wanted.root));
    assert_true(seen.verified);
    assert_int_equal(seen.time_s, 1767225600);
}

TEST(a_note_without_the_witness_opens_and_says_so)
{
    struct error err;
    struct proof_key log = key_of(LOG_VKEY);
    struct proof_key witness = key_of(WITNESS_VKEY);
    struct proof_checkpoint checkpoint;
    struct proof_seen seen = { .verified = true };
    assert_ok(proof_checkpoint_witnessed(bytes_text(TEXT "\n" LOG_LINE), &log, &witness, 1, &seen,
                                         &checkpoint, &err));
    assert_false(seen.verified);
}

TEST(signatures_of_unknown_keys_are_passed_over)
{
    struct error err;
    struct proof_key log = key_of(LOG_VKEY);
    struct proof_checkpoint checkpoint;
    assert_ok(proof_checkpoint_open(bytes_text(TEXT "\n" OTHER_LINE LOG_LINE WITNESS_LINE), &log,
                                    &checkpoint, &err));
    assert_status(ST_UNPROVEN,
                  proof_checkpoint_open(bytes_text(TEXT "\n" OTHER_LINE), &log, &checkpoint, &err));
}

TEST(a_bad_signature_of_a_known_key_refuses_the_note)
{
    struct error err;
    struct proof_key log = key_of(LOG_VKEY);
    struct proof_key witness = key_of(WITNESS_VKEY);
    struct proof_checkpoint checkpoint;
    struct proof_seen seen;
    char note[] = NOTE;
    char *letter = strstr(note, "IDJKvg") + 40;
    *letter = *letter == 'A' ? 'B' : 'A';
    assert_status(ST_UNPROVEN, proof_checkpoint_witnessed(bytes_text(note), &log, &witness, 1,
                                                          &seen, &checkpoint, &err));
    assert_ok(proof_checkpoint_open(bytes_text(note), &log, &checkpoint, &err));
    // A good line and a bad one of the same key.
    static const char twice[] =
        TEXT "\n" LOG_LINE "\xe2\x80\x94 example.com/audit "
             "Kbh7/AAAZzUK+Vn5aeiirlU7DkzTjY8Q014NWv4lp/DhLnxVQP9jgD8Wxf7HAzHwZgfJfgl/Sxj8AshRwfohr"
             "AwzAw0=\n";
    assert_status(ST_UNPROVEN, proof_checkpoint_open(bytes_text(twice), &log, &checkpoint, &err));
}

TEST(a_text_changed_anywhere_does_not_open)
{
    struct error err;
    struct proof_key log = key_of(LOG_VKEY);
    struct proof_checkpoint checkpoint;
    char note[] = NOTE;
    for (size_t i = 0; i < sizeof(TEXT) - 1; i++) {
        note[i] ^= 1;
        assert_true(proof_checkpoint_open(bytes_text(note), &log, &checkpoint, &err) != ST_OK);
        note[i] ^= 1;
    }
    assert_ok(proof_checkpoint_open(bytes_text(note), &log, &checkpoint, &err));
}

TEST(a_checkpoint_of_another_origin_than_its_key_is_refused)
{
    struct error err;
    struct seal_signer *signer = signer_of(0);
    struct proof_key log = key_of(LOG_VKEY);
    struct proof_checkpoint checkpoint = reference_checkpoint();
    snprintf(checkpoint.origin, sizeof(checkpoint.origin), "example.com/other");
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    proof_checkpoint_sign(&checkpoint, &log, signer, &note);
    assert_status(ST_UNPROVEN, proof_checkpoint_open(buffer_view(&note), &log, &checkpoint, &err));
    buffer_fini(&note);
    seal_signer_destroy(&signer);
}

TEST(a_witness_key_does_not_stand_in_for_the_log)
{
    struct error err;
    struct proof_key witness = key_of(WITNESS_VKEY);
    struct proof_checkpoint checkpoint;
    assert_status(ST_USAGE, proof_checkpoint_open(bytes_text(NOTE), &witness, &checkpoint, &err));
}

TEST(a_note_that_is_not_in_form_is_refused)
{
    static const char *const notes[] = {
        "",
        "\n",
        "\n\n",
        "\n\n" LOG_LINE,
        TEXT,
        TEXT "\n",
        TEXT LOG_LINE,
        TEXT "\n"
             "- example.com/audit Kbh7/MMD\n",
        TEXT "\n"
             "\xe2\x80\x94 example.com/audit\n",
        TEXT "\n"
             "\xe2\x80\x94 example.com/audit Kbh7\n",
        TEXT "\n"
             "\xe2\x80\x94 example.com/audit Kbh7/MMD=\n",
        TEXT "\n"
             "\xe2\x80\x94 a+b Kbh7/MMD\n",
        TEXT "\n"
             "\xe2\x80\x94  Kbh7/MMD\n",
        TEXT "\n" LOG_LINE "rest",
        TEXT "\n\r" LOG_LINE,
        TEXT "\t\n\n" LOG_LINE,
        TEXT "\xff\n\n" LOG_LINE,
    };
    for (size_t i = 0; i < ARRAY_COUNT(notes); i++) {
        struct error err;
        struct proof_note note;
        assert_status(ST_MALFORMED, proof_note_parse(bytes_text(notes[i]), &note, &err));
    }
}

TEST(a_note_cut_anywhere_does_not_open)
{
    struct error err;
    struct proof_key log = key_of(LOG_VKEY);
    struct proof_checkpoint checkpoint;
    size_t whole_log_line = sizeof(TEXT "\n" LOG_LINE) - 1;
    for (size_t size = 0; size < sizeof(NOTE) - 1; size++) {
        bool good = proof_checkpoint_open(bytes_of(NOTE, size), &log, &checkpoint, &err) == ST_OK;
        assert_int_equal(good, size == whole_log_line);
    }
}

TEST(an_empty_line_in_the_text_belongs_to_the_text)
{
    struct error err;
    struct proof_note note;
    assert_ok(proof_note_parse(bytes_text("one\n\ntwo\n\n" LOG_LINE), &note, &err));
    assert_true(bytes_equal_text(note.text, "one\n\ntwo\n"));
}

TEST(notes_and_their_signatures_are_bounded)
{
    struct error err;
    struct proof_note note;
    struct buffer text = buffer_init(100000);
    buffer_text(&text, TEXT "\n");
    for (size_t i = 0; i < PROOF_SIGNATURES_MAX; i++) {
        buffer_text(&text, "\xe2\x80\x94 n AAAAAAAA\n");
    }
    assert_ok(proof_note_parse(buffer_view(&text), &note, &err));
    assert_int_equal(note.signature_count, PROOF_SIGNATURES_MAX);
    buffer_text(&text, "\xe2\x80\x94 n AAAAAAAA\n");
    assert_status(ST_MALFORMED, proof_note_parse(buffer_view(&text), &note, &err));
    buffer_clear(&text);
    memset(buffer_reserve(&text, PROOF_NOTE_MAX), 'a', PROOF_NOTE_MAX);
    buffer_text(&text, "\n\n" LOG_LINE);
    assert_status(ST_MALFORMED, proof_note_parse(buffer_view(&text), &note, &err));
    buffer_fini(&text);
}

#define ROOT "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"

TEST(a_checkpoint_text_has_one_form_only)
{
    static const struct {
        enum status status;
        const char *text;
    } cases[] = {
        { ST_OK, "a\n0\n" ROOT },
        { ST_OK, "a\n18446744073709551615\n" ROOT },
        { ST_MALFORMED, "a\n18446744073709551616\n" ROOT },
        { ST_MALFORMED, "a\n+5\n" ROOT },
        { ST_MALFORMED, "a\n05\n" ROOT },
        { ST_MALFORMED, "a\n-0\n" ROOT },
        { ST_MALFORMED, "a\n\n" ROOT },
        { ST_MALFORMED, "\n5\n" ROOT },
        { ST_MALFORMED, "a b\n5\n" ROOT },
        { ST_MALFORMED, "a\n5\nXcna\n" },
        { ST_MALFORMED, "a\n5\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=" },
        { ST_MALFORMED, "a\n5\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyh=\n" },
        { ST_MALFORMED, "a\n5\n" },
        { ST_UNSUPPORTED, "a\n5\n" ROOT "extension\n" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err;
        struct proof_checkpoint checkpoint;
        assert_status(cases[i].status,
                      proof_checkpoint_parse(bytes_text(cases[i].text), &checkpoint, &err));
    }
}

TEST(of_two_cosignatures_by_one_witness_the_later_counts)
{
    struct error err;
    struct seal_signer *signer = signer_of(0x20);
    struct proof_key log = key_of(LOG_VKEY);
    struct proof_key witness = key_of(WITNESS_VKEY);
    struct proof_checkpoint checkpoint;
    struct proof_seen seen;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    buffer_text(&note, NOTE);
    proof_note_sign(bytes_text(TEXT), &witness, signer, 1767225700, &note);
    proof_note_sign(bytes_text(TEXT), &witness, signer, 1767225650, &note);
    assert_ok(proof_checkpoint_witnessed(buffer_view(&note), &log, &witness, 1, &seen, &checkpoint,
                                         &err));
    assert_int_equal(seen.time_s, 1767225700);
    proof_note_sign(bytes_text(TEXT), &witness, signer, UINT64_C(1) << 63, &note);
    assert_status(ST_UNPROVEN, proof_checkpoint_witnessed(buffer_view(&note), &log, &witness, 1,
                                                          &seen, &checkpoint, &err));
    buffer_fini(&note);
    seal_signer_destroy(&signer);
}
