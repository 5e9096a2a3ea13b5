#include "proof/receipt.h"

#include "base/text.h"
#include "seal/hash.h"
#include "signer.h"
#include "vedomo/verify.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOG_SIZE = 11, INDEX = 6 };

// A log of eleven entries whose entry 6 is an exchange, and a receipt of it for the asker.
struct setting {
    struct seal_signer *log_signer;
    struct seal_signer *witness_signer;
    struct proof_key log;
    struct proof_key witness;
    struct digest leaves[LOG_SIZE];
    uint8_t leaf[PROOF_LEAF_BYTES];
    struct digest other_hashes[2];
    struct bytes others[2];
    struct proof_path path;
    struct buffer checkpoint;
    struct proof_receipt receipt;
    struct buffer text;
};

static void make_leaf(struct setting *s)
{
    struct digest salt = count_digest(0x10);
    struct digest parts[3];
    parts[0] = proof_part_hash(PROOF_PART_EXCHANGE, &salt, bytes_text("the asker's part"));
    for (size_t i = 0; i < 2; i++) {
        struct digest other = count_digest((uint8_t)(0x50 + i));
        s->other_hashes[i] = proof_part_hash((uint8_t)(2 + i), &other, (struct bytes){ 0 });
        s->others[i] = bytes_digest(&s->other_hashes[i]);
        parts[1 + i] = s->other_hashes[i];
    }
    struct proof_leaf leaf = { .class = PROOF_CLASS_EXCHANGE,
                               .minutes = 29400000,
                               .commitment = proof_body_commitment(PROOF_CLASS_EXCHANGE, parts) };
    proof_leaf_encode(&leaf, s->leaf);
}

static void set_up(struct setting *s)
{
    struct error err;
    memset(s, 0, sizeof(*s));
    s->log_signer = signer_of(0x00);
    s->witness_signer = signer_of(0x20);
    assert_ok(proof_key_make("example.com/audit", PROOF_KEY_ED25519, seal_signer_key(s->log_signer),
                             &s->log, &err));
    assert_ok(proof_key_make("witness.example/w1", PROOF_KEY_COSIGNATURE,
                             seal_signer_key(s->witness_signer), &s->witness, &err));
    make_leaf(s);
    for (size_t i = 0; i < LOG_SIZE; i++) {
        uint8_t number[8];
        s->leaves[i] = seal_leaf_hash(seal_u64(number, i));
    }
    s->leaves[INDEX] = seal_leaf_hash(bytes_of(s->leaf, sizeof(s->leaf)));
    struct proof_frontier empty = { 0 };
    struct proof_batch *batch = proof_batch_create(LOG_SIZE);
    proof_batch_run(batch, &empty, s->leaves, LOG_SIZE);
    proof_batch_path(batch, INDEX, &s->path);
    struct proof_checkpoint checkpoint = { .origin = "example.com/audit",
                                           .size = LOG_SIZE,
                                           .root = *proof_batch_root(batch) };
    proof_batch_destroy(&batch);
    struct buffer text = buffer_init(PROOF_NOTE_MAX);
    proof_checkpoint_format(&checkpoint, &text);
    s->checkpoint = buffer_init(PROOF_NOTE_MAX);
    proof_checkpoint_sign(&checkpoint, &s->log, s->log_signer, &s->checkpoint);
    proof_note_sign(buffer_view(&text), &s->witness, s->witness_signer, 1767225600, &s->checkpoint);
    buffer_fini(&text);
    s->receipt = (struct proof_receipt){ .index = INDEX,
                                         .path = proof_path_view(&s->path),
                                         .checkpoint = buffer_view(&s->checkpoint),
                                         .leaf = bytes_of(s->leaf, sizeof(s->leaf)),
                                         .part_type = PROOF_PART_EXCHANGE,
                                         .part_salt = count_digest(0x10),
                                         .part = bytes_text("the asker's part"),
                                         .others = s->others,
                                         .other_count = 2 };
    s->text = buffer_init(PROOF_RECEIPT_MAX);
    proof_receipt_write(&s->receipt, &s->text);
    assert_ok(buffer_ok(&s->text, "receipt", &err));
}

static void tear_down(struct setting *s)
{
    seal_signer_destroy(&s->log_signer);
    seal_signer_destroy(&s->witness_signer);
    buffer_fini(&s->checkpoint);
    buffer_fini(&s->text);
}

static enum status verdict(const struct setting *s, const struct proof_receipt *receipt)
{
    struct error err;
    struct proof_proven proven;
    const struct proof_trust trust = { .log = &s->log };
    return proof_receipt_verify(receipt, &trust, &proven, &err);
}

TEST(a_receipt_verifies_and_says_what_it_proves)
{
    struct error err;
    struct setting s;
    struct proof_proven proven;
    set_up(&s);
    const struct proof_trust trust = { .log = &s.log, .witnesses = &s.witness, .witness_count = 1 };
    assert_ok(proof_receipt_verify(&s.receipt, &trust, &proven, &err));
    assert_int_equal(proven.leaf.class, PROOF_CLASS_EXCHANGE);
    assert_int_equal(proven.leaf.minutes, 29400000);
    assert_true(digest_equal(&proven.leaf_hash, &s.leaves[INDEX]));
    assert_int_equal(proven.checkpoint.size, LOG_SIZE);
    assert_int_equal(proven.witnesses, 1);
    assert_int_equal(proven.witnessed_s, 1767225600);
    tear_down(&s);
}

TEST(a_receipt_with_anything_changed_does_not_verify)
{
    struct setting s;
    set_up(&s);
    struct proof_receipt r = s.receipt;
    assert_status(ST_OK, verdict(&s, &r));
    r.index = INDEX + 1;
    assert_status(ST_UNPROVEN, verdict(&s, &r));
    r.index = LOG_SIZE;
    assert_status(ST_UNPROVEN, verdict(&s, &r));
    r = s.receipt;
    r.part = bytes_text("the asker's parT");
    assert_status(ST_UNPROVEN, verdict(&s, &r));
    r = s.receipt;
    r.part_salt.bytes[3] ^= 1;
    assert_status(ST_UNPROVEN, verdict(&s, &r));
    r = s.receipt;
    r.part_type = PROOF_PART_SUBJECT;
    assert_status(ST_UNPROVEN, verdict(&s, &r));
    r = s.receipt;
    const struct bytes swapped[2] = { s.others[1], s.others[0] };
    r.others = swapped;
    assert_status(ST_UNPROVEN, verdict(&s, &r));
    r = s.receipt;
    r.path.size -= DIGEST_BYTES;
    assert_status(ST_UNPROVEN, verdict(&s, &r));
    s.path.steps[0].bytes[0] ^= 1;
    assert_status(ST_UNPROVEN, verdict(&s, &s.receipt));
    s.path.steps[0].bytes[0] ^= 1;
    s.leaf[5] ^= 1; // its time
    assert_status(ST_UNPROVEN, verdict(&s, &s.receipt));
    s.leaf[5] ^= 1;
    s.checkpoint.data[20] ^= 1;
    assert_true(verdict(&s, &s.receipt) != ST_OK);
    s.checkpoint.data[20] ^= 1;
    s.log.key.bytes[0] ^= 1;
    assert_status(ST_UNPROVEN, verdict(&s, &s.receipt));
    tear_down(&s);
}

TEST(a_receipt_that_does_not_fit_its_class_is_malformed)
{
    struct setting s;
    set_up(&s);
    struct proof_receipt r = s.receipt;
    r.part_type = PROOF_PART_PUBLIC;
    assert_status(ST_MALFORMED, verdict(&s, &r));
    r.part_type = 256 + PROOF_PART_EXCHANGE;
    assert_status(ST_MALFORMED, verdict(&s, &r));
    r = s.receipt;
    r.other_count = 1;
    assert_status(ST_MALFORMED, verdict(&s, &r));
    r = s.receipt;
    const struct bytes cut[2] = { s.others[0], bytes_of(s.others[1].data, 31) };
    r.others = cut;
    assert_status(ST_MALFORMED, verdict(&s, &r));
    r = s.receipt;
    r.leaf.size--;
    assert_status(ST_MALFORMED, verdict(&s, &r));
    r.leaf = (struct bytes){ 0 };
    assert_status(ST_MALFORMED, verdict(&s, &r));
    tear_down(&s);
}

TEST(more_witnesses_than_are_looked_for_are_refused)
{
    struct error err;
    struct setting s;
    struct proof_proven proven;
    static struct proof_key witnesses[PROOF_WITNESSES_MAX + 1];
    set_up(&s);
    for (size_t i = 0; i < ARRAY_COUNT(witnesses); i++) {
        struct digest other = count_digest((uint8_t)(0x80 + i));
        assert_ok(proof_key_make("witness.example/other", PROOF_KEY_COSIGNATURE, &other,
                                 &witnesses[i], &err));
    }
    witnesses[0] = s.witness;
    struct proof_trust trust = { .log = &s.log,
                                 .witnesses = witnesses,
                                 .witness_count = PROOF_WITNESSES_MAX + 1 };
    assert_status(ST_USAGE, proof_receipt_verify(&s.receipt, &trust, &proven, &err));
    trust.witness_count--;
    assert_ok(proof_receipt_verify(&s.receipt, &trust, &proven, &err));
    tear_down(&s);
}

TEST(a_witness_that_is_given_twice_does_not_count_twice)
{
    struct error err;
    struct setting s;
    struct proof_proven proven;
    struct proof_key witnesses[2];
    set_up(&s);
    const struct proof_trust trust = { .log = &s.log,
                                       .witnesses = witnesses,
                                       .witness_count = ARRAY_COUNT(witnesses) };
    witnesses[0] = s.witness;
    witnesses[1] = s.witness;
    assert_status(ST_USAGE, proof_receipt_verify(&s.receipt, &trust, &proven, &err));
    // Nor under another name.
    assert_ok(proof_key_make("witness.example/w2", PROOF_KEY_COSIGNATURE, &s.witness.key,
                             &witnesses[1], &err));
    assert_status(ST_USAGE, proof_receipt_verify(&s.receipt, &trust, &proven, &err));
    tear_down(&s);
}

TEST(receipts_of_one_commit_share_an_opened_checkpoint)
{
    struct error err;
    struct setting s;
    struct proof_checkpoint checkpoint;
    struct proof_proven proven;
    set_up(&s);
    assert_ok(proof_checkpoint_open(s.receipt.checkpoint, &s.log, &checkpoint, &err));
    assert_ok(proof_receipt_check(&s.receipt, &checkpoint, &proven, &err));
    checkpoint.root.bytes[0] ^= 1;
    assert_status(ST_UNPROVEN, proof_receipt_check(&s.receipt, &checkpoint, &proven, &err));
    tear_down(&s);
}

TEST(a_written_receipt_reads_back_and_verifies)
{
    struct error err;
    struct setting s;
    struct proof_receipt_file file;
    set_up(&s);
    assert_ok(proof_receipt_parse(buffer_view(&s.text), &file, &err));
    assert_int_equal(file.receipt.index, INDEX);
    assert_true(bytes_equal(file.receipt.path, s.receipt.path));
    assert_true(bytes_equal(file.receipt.checkpoint, s.receipt.checkpoint));
    assert_true(bytes_equal(file.receipt.leaf, s.receipt.leaf));
    assert_true(bytes_equal(file.receipt.part, s.receipt.part));
    assert_int_equal(file.receipt.other_count, 2);
    assert_status(ST_OK, verdict(&s, &file.receipt));
    struct buffer again = buffer_init(PROOF_RECEIPT_MAX);
    proof_receipt_write(&file.receipt, &again);
    assert_true(bytes_equal(buffer_view(&again), buffer_view(&s.text)));
    buffer_fini(&again);
    proof_receipt_file_fini(&file);
    tear_down(&s);
}

TEST(an_empty_part_is_written_and_read_like_any_other)
{
    struct error err;
    struct setting s;
    struct proof_receipt_file file;
    set_up(&s);
    struct proof_receipt r = s.receipt;
    r.part = (struct bytes){ 0 };
    buffer_clear(&s.text);
    proof_receipt_write(&r, &s.text);
    assert_ok(proof_receipt_parse(buffer_view(&s.text), &file, &err));
    assert_int_equal(file.receipt.part.size, 0);
    proof_receipt_file_fini(&file);
    tear_down(&s);
}

TEST(a_receipt_text_with_any_byte_changed_or_cut_does_not_verify)
{
    struct error err;
    struct setting s;
    set_up(&s);
    // The witness's line is not asked for here, so what it says does not matter.
    size_t end =
        (size_t)(strstr((char *)s.text.data, "\xe2\x80\x94 witness") - (char *)s.text.data);
    for (size_t i = 0; i < end; i++) {
        struct proof_receipt_file file;
        s.text.data[i] ^= 1;
        if (proof_receipt_parse(buffer_view(&s.text), &file, &err) == ST_OK) {
            assert_true(verdict(&s, &file.receipt) != ST_OK);
            proof_receipt_file_fini(&file);
        }
        s.text.data[i] ^= 1;
        if (proof_receipt_parse(bytes_of(s.text.data, i), &file, &err) == ST_OK) {
            assert_true(verdict(&s, &file.receipt) != ST_OK);
            proof_receipt_file_fini(&file);
        }
    }
    tear_down(&s);
}

// A text whose `extra` is the given bytes, in hexadecimal.
static enum status parse_extra(const char *hex)
{
    struct error err;
    uint8_t room[512];
    struct buffer text = buffer_init(4096);
    buffer_text(&text, "c2sp.org/tlog-proof@v1\nextra ");
    text_base64_encode(&text, hex_into(hex, room, sizeof(room)));
    buffer_text(&text, "\nindex 0\n\nnote");
    struct proof_receipt_file file;
    enum status status = proof_receipt_parse(buffer_view(&text), &file, &err);
    if (status == ST_OK) {
        proof_receipt_file_fini(&file);
    }
    buffer_fini(&text);
    return status;
}

#define H32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

TEST(the_extra_message_has_one_form_only)
{
    assert_status(ST_OK, parse_extra("0a01aa"
                                     "1001"
                                     "1a20" H32 "2201bb"
                                     "2a20" H32));
    static const char *const bad[] = {
        "0a",             // no length
        "0a02aa",         // cut short
        "0affffffffff7f", // longer than what there is
        "0a00",           // an empty field that is not left out
        "1000",           // a zero that is not left out
        "108100",         // a number longer than it need be
        "10ffffffffffffffffffff01",
        "10808080808080808080808001",
        "1080808080800a",                 // more than 32 bits
        "0a01aa0a01bb",                   // given twice
        "10011002",                       // given twice
        "10010a01aa",                     // out of order
        "1a01aa",                         // a salt of another size
        "3201aa",                         // an unknown field
        "0d00000000",                     // leaf as a fixed number
        "0b0c",                           // a group
        "8a0001aa",                       // a tag longer than it need be
        "2a002a002a002a00",               // more hashes than any class has
        "ffffffffffffffffffffffffffffff", // nothing at all
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_status(ST_MALFORMED, parse_extra(bad[i]));
    }
}

TEST(a_receipt_text_that_is_not_in_form_is_refused)
{
    static const struct {
        enum status status;
        const char *text;
    } cases[] = {
        { ST_MALFORMED, "" },
        { ST_MALFORMED, "c2sp.org/tlog-proof@v1" },
        { ST_MALFORMED, "c2sp.org/tlog-proof@v1\n" },
        { ST_UNSUPPORTED, "c2sp.org/tlog-proof@v2\nextra \nindex 0\n\n" },
        { ST_UNSUPPORTED, "c2sp.org/tlog-proof@v1\nindex 0\n\nnote" },
        { ST_MALFORMED, "c2sp.org/tlog-proof@v1\nextra CgGq\nindex 00\n\nnote" },
        { ST_MALFORMED, "c2sp.org/tlog-proof@v1\nextra CgGq\nindex -1\n\nnote" },
        { ST_MALFORMED, "c2sp.org/tlog-proof@v1\nextra CgGq\nindex\n\nnote" },
        { ST_MALFORMED, "c2sp.org/tlog-proof@v1\nextra CgGq=\nindex 0\n\nnote" },
        { ST_MALFORMED, "c2sp.org/tlog-proof@v1\nextra CgGq\nindex 0\nAAAA\n\nnote" },
        { ST_MALFORMED, "c2sp.org/tlog-proof@v1\nextra CgGq\nindex 0\n" },
        { ST_MALFORMED, "c2sp.org/tlog-proof@v1\r\nextra CgGq\nindex 0\n\nnote" },
        { ST_OK, "c2sp.org/tlog-proof@v1\nextra CgGq\nindex 0\n\nnote" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err;
        struct proof_receipt_file file;
        assert_status(cases[i].status, proof_receipt_parse(bytes_text(cases[i].text), &file, &err));
        if (cases[i].status == ST_OK) {
            proof_receipt_file_fini(&file);
        }
    }
}

TEST(a_path_of_more_steps_than_any_tree_has_is_refused)
{
    struct error err;
    struct proof_receipt_file file;
    struct buffer text = buffer_init(PROOF_RECEIPT_MAX);
    buffer_text(&text, "c2sp.org/tlog-proof@v1\nextra CgGq\nindex 0\n");
    for (size_t i = 0; i < PROOF_PATH_MAX + 1; i++) {
        buffer_text(&text, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    }
    buffer_text(&text, "\nnote");
    assert_status(ST_MALFORMED, proof_receipt_parse(buffer_view(&text), &file, &err));
    buffer_fini(&text);
}

static void vkey_text(const struct proof_key *key, char *out, size_t room)
{
    struct buffer text = buffer_init(room - 1);
    proof_key_format(key, &text);
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    buffer_fini(&text);
}

TEST(the_public_check_proves_a_receipt)
{
    struct setting s;
    set_up(&s);
    char log[200];
    char witness[200];
    vkey_text(&s.log, log, sizeof(log));
    vkey_text(&s.witness, witness, sizeof(witness));
    const char *const witnesses[] = { witness };
    struct vedomo_receipt *receipt = NULL;
    struct vedomo_error error;
    assert_int_equal(vedomo_receipt_verify((const char *)s.text.data, s.text.size, log, witnesses,
                                           1, &receipt, &error),
                     VEDOMO_OK);
    assert_int_equal(error.status, VEDOMO_OK);
    const struct vedomo_proven *proven = vedomo_receipt_proven(receipt);
    assert_int_equal(proven->index, INDEX);
    assert_int_equal(proven->tree_size, LOG_SIZE);
    assert_memory_equal(proven->leaf_hash, s.leaves[INDEX].bytes, 32);
    assert_int_equal(proven->entry_class, 1);
    assert_int_equal(proven->recorded_ms, INT64_C(29400000) * 60000);
    assert_int_equal(proven->part_type, 1);
    assert_int_equal(proven->part_size, 16);
    assert_memory_equal(proven->part, "the asker's part", 16);
    assert_int_equal(proven->witnesses, 1);
    assert_int_equal(proven->witnessed_s, 1767225600);
    vedomo_receipt_destroy(&receipt);
    assert_null(receipt);
    vedomo_receipt_destroy(&receipt);
    tear_down(&s);
}

TEST(the_public_check_refuses_with_a_status_and_words)
{
    struct setting s;
    set_up(&s);
    char log[200];
    char witness[200];
    vkey_text(&s.log, log, sizeof(log));
    vkey_text(&s.witness, witness, sizeof(witness));
    const char *text = (const char *)s.text.data;
    const char *const wrong_type[] = { log };
    struct vedomo_receipt *receipt = NULL;
    struct vedomo_error error;
    assert_int_equal(vedomo_receipt_verify(text, s.text.size, "no key", NULL, 0, &receipt, &error),
                     VEDOMO_USAGE);
    assert_int_equal(error.status, VEDOMO_USAGE);
    assert_true(error.message[0] != '\0');
    assert_int_equal(vedomo_receipt_verify(text, s.text.size, witness, NULL, 0, &receipt, &error),
                     VEDOMO_USAGE);
    assert_int_equal(vedomo_receipt_verify(text, s.text.size, log, wrong_type, 1, &receipt, &error),
                     VEDOMO_USAGE);
    const char *many[PROOF_WITNESSES_MAX + 1];
    for (size_t i = 0; i < ARRAY_COUNT(many); i++) {
        many[i] = witness;
    }
    assert_int_equal(
        vedomo_receipt_verify(text, s.text.size, log, many, ARRAY_COUNT(many), &receipt, NULL),
        VEDOMO_USAGE);
    assert_int_equal(vedomo_receipt_verify(text, 40, log, NULL, 0, &receipt, &error),
                     VEDOMO_MALFORMED);
    s.text.data[s.text.size / 2] ^= 1;
    assert_int_not_equal(vedomo_receipt_verify(text, s.text.size, log, NULL, 0, &receipt, &error),
                         VEDOMO_OK);
    assert_null(receipt);
    assert_string_equal(vedomo_status_name(VEDOMO_UNPROVEN), "unproven");
    tear_down(&s);
}
