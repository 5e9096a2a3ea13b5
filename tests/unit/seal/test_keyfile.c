#include "seal/keyfile.h"

#include "base/file.h"
#include "base/text.h"
#include "seal/secret.h"
#include "seal/sign.h"
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *key_path(void)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/one.key", test_directory());
    return path;
}

static void read_text(const char *path, char *text, size_t room)
{
    struct error err;
    struct buffer content = buffer_init(room - 1);
    assert_ok(file_read(path, room - 1, &content, &err));
    memcpy(text, content.data, content.size);
    text[content.size] = '\0';
    buffer_fini(&content);
}

static void write_text(const char *path, const char *text)
{
    struct error err;
    assert_ok(file_replace(path, bytes_text(text), 0600, &err));
}

TEST(an_identity_of_every_role_reads_back_as_it_was_made)
{
    for (int role = SEAL_ROLE_NONE + 1; role < SEAL_ROLE_COUNT; role++) {
        struct error err;
        struct seal_identity made;
        struct seal_identity read;
        const char *path = key_path();
        assert_ok(seal_identity_create((enum seal_role)role, "ru/interior/road-safety", "gate-1",
                                       &made, &err));
        assert_ok(seal_keyfile_create(path, &made, &err));
        assert_ok(seal_keyfile_load(path, &read, &err));
        assert_int_equal(read.role, role);
        assert_string_equal(read.member, "ru/interior/road-safety");
        assert_string_equal(read.node, "gate-1");
        assert_true(digest_equal(&read.curve_key, &made.curve_key));
        assert_true(digest_equal(&read.sign_key, &made.sign_key));
        assert_int_equal(digest_is_zero(&read.curve_key), !seal_role_connects(read.role));
        assert_int_equal(read.secret_count, made.secret_count);
        for (size_t i = 0; i < read.secret_count; i++) {
            assert_true(seal_secret_equal(read.secrets[i], made.secrets[i]));
        }
        if (made.signer != NULL) {
            uint8_t signature[SEAL_SIGNATURE_BYTES];
            seal_sign(read.signer, bytes_text("m"), signature);
            assert_true(seal_verify(&made.sign_key, bytes_text("m"), bytes_of(signature, 64)));
        }
        seal_identity_fini(&made);
        seal_identity_fini(&read);
        assert_int_equal(read.role, SEAL_ROLE_NONE);
        seal_identity_fini(&read);
    }
}

TEST(roles_that_connect_have_two_keys_and_signing_roles_one)
{
    struct error err;
    struct seal_identity node;
    struct seal_identity registrar;
    struct seal_identity tag;
    assert_ok(seal_identity_create(SEAL_ROLE_NODE, "a/b", "n", &node, &err));
    assert_ok(seal_identity_create(SEAL_ROLE_REGISTRAR, "", "", &registrar, &err));
    assert_ok(seal_identity_create(SEAL_ROLE_TAG, "", "", &tag, &err));
    assert_non_null(node.curve_secret);
    assert_non_null(node.signer);
    assert_false(digest_equal(&node.curve_key, &node.sign_key));
    assert_null(registrar.curve_secret);
    assert_non_null(registrar.signer);
    assert_null(tag.curve_secret);
    assert_null(tag.signer);
    assert_int_equal(tag.secret_count, 1);
    seal_identity_fini(&node);
    seal_identity_fini(&registrar);
    seal_identity_fini(&tag);
}

TEST(role_names_are_found_again)
{
    for (int role = SEAL_ROLE_NONE + 1; role < SEAL_ROLE_COUNT; role++) {
        const char *name = seal_role_name((enum seal_role)role);
        assert_int_equal(seal_role_find(bytes_text(name)), role);
    }
    assert_int_equal(seal_role_find(bytes_text("none")), SEAL_ROLE_NONE);
    assert_int_equal(seal_role_find(bytes_text("king")), SEAL_ROLE_NONE);
}

TEST(a_key_file_is_private_and_never_overwritten)
{
    struct error err;
    struct seal_identity first;
    struct seal_identity second;
    const char *path = key_path();
    assert_ok(seal_identity_create(SEAL_ROLE_LOG, "", "example.com/audit", &first, &err));
    assert_ok(seal_identity_create(SEAL_ROLE_LOG, "", "example.com/audit", &second, &err));
    assert_ok(seal_keyfile_create(path, &first, &err));
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_status(ST_EXISTS, seal_keyfile_create(path, &second, &err));
    struct seal_identity read;
    assert_ok(seal_keyfile_load(path, &read, &err));
    assert_true(digest_equal(&read.sign_key, &first.sign_key));
    seal_identity_fini(&first);
    seal_identity_fini(&second);
    seal_identity_fini(&read);
}

TEST(a_key_file_that_others_can_reach_is_not_loaded)
{
    static const mode_t modes[] = { 0640, 0604, 0660, 0602, 0610, 0644 };
    struct error err;
    struct seal_identity identity;
    const char *path = key_path();
    assert_ok(seal_identity_create(SEAL_ROLE_MASTER, "", "", &identity, &err));
    assert_ok(seal_keyfile_create(path, &identity, &err));
    seal_identity_fini(&identity);
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_status(ST_DENIED, seal_keyfile_load(path, &identity, &err));
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_ok(seal_keyfile_load(path, &identity, &err));
    seal_identity_fini(&identity);
}

TEST(a_missing_key_file_or_a_folder_is_named)
{
    struct error err;
    struct seal_identity identity;
    assert_status(ST_NOT_FOUND, seal_keyfile_load(key_path(), &identity, &err));
    assert_non_null(strstr(err.message, "one.key"));
    const char *folder = test_directory();
    assert_status(ST_MALFORMED, seal_keyfile_load(folder, &identity, &err));
}

TEST(a_key_file_cut_anywhere_is_refused)
{
    struct error err;
    struct seal_identity identity;
    const char *path = key_path();
    char text[1024];
    assert_ok(seal_identity_create(SEAL_ROLE_NODE, "a/b", "n", &identity, &err));
    assert_ok(seal_keyfile_create(path, &identity, &err));
    seal_identity_fini(&identity);
    read_text(path, text, sizeof(text));
    for (size_t size = strlen(text); size-- > 0;) {
        text[size] = '\0';
        write_text(path, text);
        assert_status(ST_MALFORMED, seal_keyfile_load(path, &identity, &err));
    }
}

TEST(a_key_file_with_one_letter_of_a_key_changed_is_refused)
{
    struct error err;
    struct seal_identity identity;
    const char *path = key_path();
    char text[1024];
    assert_ok(seal_identity_create(SEAL_ROLE_NODE, "a/b", "n", &identity, &err));
    assert_ok(seal_keyfile_create(path, &identity, &err));
    seal_identity_fini(&identity);
    read_text(path, text, sizeof(text));
    static const char *const lines[] = { "curve-public ", "curve-secret ", "sign-public ",
                                         "sign-seed " };
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        char *letter = strstr(text, lines[i]) + strlen(lines[i]) + 20;
        char before = *letter;
        *letter = before == 'A' ? 'B' : 'A';
        write_text(path, text);
        assert_status(ST_MALFORMED, seal_keyfile_load(path, &identity, &err));
        *letter = before;
    }
    write_text(path, text);
    assert_ok(seal_keyfile_load(path, &identity, &err));
    seal_identity_fini(&identity);
}

TEST(what_is_not_this_version_of_a_key_file_is_refused)
{
    static const struct {
        enum status status;
        const char *text;
    } cases[] = {
        { ST_UNSUPPORTED, "vedomo-key 2\nrole log\n" },
        { ST_MALFORMED, "" },
        { ST_MALFORMED, "vedomo-key one\nrole log\n" },
        { ST_MALFORMED, "vedomo-key 1\n" },
        { ST_MALFORMED, "vedomo-key 1\nrole king\n" },
        { ST_MALFORMED, "vedomo-key 1\nrole none\n" },
        { ST_MALFORMED, "vedomo-key 1\nrole master\n" },
        { ST_MALFORMED, "vedomo-key 1\nrole master\nnode a b\n"
                        "secret AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n" },
        { ST_MALFORMED, "vedomo-key 1\nrole master\nsecret AAEC\n" },
        { ST_MALFORMED, "vedomo-key 1\nrole master\n"
                        "secret AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
                        "secret AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n" },
        { ST_MALFORMED, "vedomo-key 1\nrole tag\n"
                        "secret AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nrest\n" },
        { ST_OK, "vedomo-key 1\nrole tag\n"
                 "secret AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
                 "secret AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n" },
    };
    const char *path = key_path();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err;
        struct seal_identity identity;
        write_text(path, cases[i].text);
        assert_status(cases[i].status, seal_keyfile_load(path, &identity, &err));
        if (cases[i].status == ST_OK) {
            assert_int_equal(identity.secret_count, 2);
            seal_identity_fini(&identity);
        }
    }
}

TEST(names_with_other_letters_are_refused)
{
    struct error err;
    struct seal_identity identity;
    assert_status(ST_USAGE, seal_identity_create(SEAL_ROLE_NODE, "a b", "n", &identity, &err));
    assert_status(ST_USAGE, seal_identity_create(SEAL_ROLE_NODE, "a", "n\n", &identity, &err));
    assert_status(ST_USAGE, seal_identity_create(SEAL_ROLE_NONE, "a", "n", &identity, &err));
}
