// Key files. The text passes through one buffer that is wiped before it is freed; the keys go into
// guarded memory at once. A loaded file is checked all the way: each public key is computed again
// from its secret.
#include "seal/keyfile.h"

#include "base/file.h"
#include "base/text.h"
#include "seal/exchange.h"
#include "seal/secret.h"
#include "seal/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 4096, VERSION = 1 };

struct role_rule {
    const char *name;
    bool connects;       // has a CURVE key
    bool signs;          // has an Ed25519 key
    size_t secrets_most; // other secrets: at least one, at most so many
};

static const struct role_rule role_rules[SEAL_ROLE_COUNT] = {
    [SEAL_ROLE_NONE] = { "none", false, false, 0 },
    [SEAL_ROLE_NODE] = { "node", true, true, 0 },
    [SEAL_ROLE_PORTAL] = { "portal", true, true, 0 },
    [SEAL_ROLE_DESK] = { "desk", true, true, 0 },
    [SEAL_ROLE_OFFICER] = { "officer", true, true, 0 },
    [SEAL_ROLE_AUDITOR] = { "auditor", true, true, 0 },
    [SEAL_ROLE_COURT] = { "court", true, true, 0 },
    [SEAL_ROLE_OPERATOR] = { "operator", true, true, 0 },
    [SEAL_ROLE_BROKER] = { "broker", true, true, 0 },
    [SEAL_ROLE_WITNESS] = { "witness", false, true, 0 },
    [SEAL_ROLE_REGISTRAR] = { "registrar", false, true, 0 },
    [SEAL_ROLE_POLICY] = { "policy", false, true, 0 },
    [SEAL_ROLE_LOG] = { "log", false, true, 0 },
    [SEAL_ROLE_MASTER] = { "master", false, false, 1 },
    [SEAL_ROLE_TAG] = { "tag", false, false, SEAL_SECRETS_MAX },
};

const char *seal_role_name(enum seal_role role)
{
    return role_rules[role].name;
}

enum seal_role seal_role_find(struct bytes name)
{
    for (int role = SEAL_ROLE_NONE + 1; role < SEAL_ROLE_COUNT; role++) {
        if (bytes_equal_text(name, role_rules[role].name)) {
            return (enum seal_role)role;
        }
    }
    return SEAL_ROLE_NONE;
}

bool seal_role_connects(enum seal_role role)
{
    return role_rules[role].connects;
}

static bool take_name(struct bytes text, char out[SEAL_NAME_MAX + 1])
{
    if (!text_is_code(text, SEAL_NAME_MAX, "/.-_:@")) {
        return false;
    }
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

static enum status make_keys(struct seal_identity *identity, struct error *err)
{
    const struct role_rule *rule = &role_rules[identity->role];
    enum status status = ST_OK;
    if (rule->connects) {
        status = seal_exchange_create(&identity->curve_secret, &identity->curve_key, err);
    }
    if (status == ST_OK && rule->signs) {
        status = seal_secret_random(DIGEST_BYTES, &identity->seed, err);
    }
    if (status == ST_OK && rule->signs) {
        status = seal_signer_create(identity->seed, &identity->signer, err);
    }
    if (status == ST_OK && rule->signs) {
        identity->sign_key = *seal_signer_key(identity->signer);
    }
    if (status == ST_OK && rule->secrets_most > 0) {
        status = seal_secret_random(DIGEST_BYTES, &identity->secrets[0], err);
        identity->secret_count = status == ST_OK ? 1 : 0;
    }
    return status;
}

enum status seal_identity_create(enum seal_role role, const char *member, const char *node,
                                 struct seal_identity *identity, struct error *err)
{
    struct seal_identity made = { .role = role };
    if (role <= SEAL_ROLE_NONE || role >= SEAL_ROLE_COUNT) {
        return error_set(err, ST_USAGE, "keys are made for a role");
    }
    if ((member[0] != '\0' && !take_name(bytes_text(member), made.member)) ||
        (node[0] != '\0' && !take_name(bytes_text(node), made.node))) {
        return error_set(err, ST_USAGE,
                         "names are 1..%d letters, digits and /.-_:@ only: '%s', '%s'",
                         SEAL_NAME_MAX, member, node);
    }
    enum status status = make_keys(&made, err);
    if (status != ST_OK) {
        seal_identity_fini(&made);
        return status;
    }
    *identity = made;
    return ST_OK;
}

void seal_identity_fini(struct seal_identity *identity)
{
    seal_secret_destroy(&identity->curve_secret);
    seal_signer_destroy(&identity->signer);
    seal_secret_destroy(&identity->seed);
    for (size_t i = 0; i < SEAL_SECRETS_MAX; i++) {
        seal_secret_destroy(&identity->secrets[i]);
    }
    *identity = (struct seal_identity){ 0 };
}

static void put_line(struct buffer *out, const char *name, struct bytes value)
{
    buffer_format(out, "%s ", name);
    buffer_bytes(out, value);
    buffer_text(out, "\n");
}

static void put_key(struct buffer *out, const char *name, struct bytes key)
{
    buffer_format(out, "%s ", name);
    text_base64_encode(out, key);
    buffer_text(out, "\n");
}

static void wipe_buffer(struct buffer *buffer)
{
    if (buffer->data != NULL) {
        seal_wipe(buffer->data, buffer->capacity);
    }
    buffer_fini(buffer);
}

// The whole room at once: growing would leave copies of keys behind in freed memory.
static enum status whole_room(struct buffer *text, struct error *err)
{
    buffer_reserve(text, FILE_MAX_BYTES);
    enum status status = buffer_ok(text, "room for a key file", err);
    buffer_clear(text);
    return status;
}

enum status seal_keyfile_create(const char *path, const struct seal_identity *identity,
                                struct error *err)
{
    struct buffer text = buffer_init(FILE_MAX_BYTES);
    enum status status = whole_room(&text, err);
    if (status != ST_OK) {
        return status;
    }
    buffer_format(&text, "vedomo-key %d\n", VERSION);
    put_line(&text, "role", bytes_text(seal_role_name(identity->role)));
    if (identity->member[0] != '\0') {
        put_line(&text, "member", bytes_text(identity->member));
    }
    if (identity->node[0] != '\0') {
        put_line(&text, "node", bytes_text(identity->node));
    }
    if (identity->curve_secret != NULL) {
        put_key(&text, "curve-public", bytes_digest(&identity->curve_key));
        put_key(&text, "curve-secret", seal_secret_view(identity->curve_secret));
    }
    if (identity->seed != NULL) {
        put_key(&text, "sign-public", bytes_digest(&identity->sign_key));
        put_key(&text, "sign-seed", seal_secret_view(identity->seed));
    }
    for (size_t i = 0; i < identity->secret_count; i++) {
        put_key(&text, "secret", seal_secret_view(identity->secrets[i]));
    }
    status = buffer_ok(&text, path, err);
    if (status == ST_OK) {
        status = file_create(path, buffer_view(&text), 0600, err);
    }
    wipe_buffer(&text);
    return status;
}

// The lines of a key file, taken one by one in their fixed order.
struct lines {
    struct bytes left;
    bool failed;
};

// The value of the next line when it has this name; false (and nothing taken) when it has another.
static bool take_line(struct lines *lines, const char *name, struct bytes *value)
{
    size_t length = strlen(name);
    struct bytes left = lines->left;
    const uint8_t *end = left.size == 0 ? NULL : memchr(left.data, '\n', left.size);
    if (end == NULL) {
        lines->failed = lines->failed || left.size > 0;
        return false;
    }
    size_t line = (size_t)(end - left.data);
    if (line < length + 2 || memcmp(left.data, name, length) != 0 || left.data[length] != ' ') {
        return false;
    }
    *value = bytes_of(left.data + length + 1, line - length - 1);
    lines->left = bytes_of(end + 1, left.size - line - 1);
    return true;
}

// A line of 32 bytes in base64, if it is the next one.
static bool take_key(struct lines *lines, const char *name, struct digest *key)
{
    struct bytes value;
    if (!take_line(lines, name, &value)) {
        return false;
    }
    struct buffer decoded = buffer_init(DIGEST_BYTES);
    bool good =
        text_base64_decode(&decoded, value) && !decoded.failed && decoded.size == DIGEST_BYTES;
    if (good) {
        memcpy(key->bytes, decoded.data, DIGEST_BYTES);
    } else {
        lines->failed = true;
    }
    wipe_buffer(&decoded);
    return good;
}

static bool take_secret(struct lines *lines, const char *name, struct seal_secret **secret,
                        struct error *err)
{
    struct digest key;
    if (!take_key(lines, name, &key)) {
        return false;
    }
    enum status status = seal_secret_copy(bytes_digest(&key), secret, err);
    seal_wipe(&key, sizeof(key));
    lines->failed = lines->failed || status != ST_OK;
    return status == ST_OK;
}

static enum status parse_keys(struct lines *lines, struct seal_identity *identity,
                              struct error *err)
{
    const struct role_rule *rule = &role_rules[identity->role];
    struct digest computed;
    if (rule->connects) {
        if (!take_key(lines, "curve-public", &identity->curve_key) ||
            !take_secret(lines, "curve-secret", &identity->curve_secret, err) ||
            seal_exchange_public(identity->curve_secret, &computed, err) != ST_OK ||
            !digest_equal(&computed, &identity->curve_key)) {
            return error_set(err, ST_MALFORMED, "its CURVE key is missing or not a pair");
        }
    }
    if (rule->signs) {
        if (!take_key(lines, "sign-public", &identity->sign_key) ||
            !take_secret(lines, "sign-seed", &identity->seed, err) ||
            seal_signer_create(identity->seed, &identity->signer, err) != ST_OK ||
            !digest_equal(seal_signer_key(identity->signer), &identity->sign_key)) {
            return error_set(err, ST_MALFORMED, "its signing key is missing or not a pair");
        }
    }
    while (identity->secret_count < rule->secrets_most &&
           take_secret(lines, "secret", &identity->secrets[identity->secret_count], err)) {
        identity->secret_count++;
    }
    if (rule->secrets_most > 0 && identity->secret_count == 0) {
        return error_set(err, ST_MALFORMED, "it has no secret");
    }
    return ST_OK;
}

static enum status parse_identity(struct bytes text, struct seal_identity *identity,
                                  struct error *err)
{
    struct lines lines = { .left = text };
    struct bytes value;
    uint64_t version = 0;
    if (!take_line(&lines, "vedomo-key", &value) || !text_u64_parse(value, UINT32_MAX, &version)) {
        return error_set(err, ST_MALFORMED, "not a key file");
    }
    if (version != VERSION) {
        return error_set(err, ST_UNSUPPORTED, "a key file of version %u; this program reads %d",
                         (unsigned)version, VERSION);
    }
    if (!take_line(&lines, "role", &value) ||
        (identity->role = seal_role_find(value)) == SEAL_ROLE_NONE) {
        return error_set(err, ST_MALFORMED, "its role is missing or unknown");
    }
    if ((take_line(&lines, "member", &value) && !take_name(value, identity->member)) ||
        (take_line(&lines, "node", &value) && !take_name(value, identity->node))) {
        return error_set(err, ST_MALFORMED, "its names are not names");
    }
    enum status status = parse_keys(&lines, identity, err);
    if (status == ST_OK && (lines.failed || lines.left.size > 0)) {
        status = error_set(err, ST_MALFORMED, "it has lines that do not belong there");
    }
    return status;
}

static enum status open_private(const char *path, int *fd, struct error *err)
{
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (opened < 0) {
        return error_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "key file %s", path);
    }
    struct stat info;
    enum status status = ST_OK;
    if (fstat(opened, &info) != 0) {
        status = error_errno(err, ST_IO, "key file %s", path);
    } else if (!S_ISREG(info.st_mode)) {
        status = error_set(err, ST_MALFORMED, "key file %s: not a file", path);
    } else if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        status = error_set(err, ST_DENIED,
                           "key file %s: its mode is %04o, so others may reach it; chmod 600 it",
                           path, (unsigned)(info.st_mode & 07777));
    }
    if (status != ST_OK) {
        close(opened);
        return status;
    }
    *fd = opened;
    return ST_OK;
}

enum status seal_keyfile_load(const char *path, struct seal_identity *identity, struct error *err)
{
    int fd = -1;
    enum status status = open_private(path, &fd, err);
    if (status != ST_OK) {
        return status;
    }
    struct seal_identity loaded = { 0 };
    struct buffer text = buffer_init(FILE_MAX_BYTES);
    status = whole_room(&text, err);
    if (status == ST_OK) {
        status = file_read_fd(fd, path, FILE_MAX_BYTES, &text, err);
    }
    close(fd);
    sodium_stackzero(2 * FILE_MAX_BYTES); // what reading left there
    if (status == ST_OK) {
        status = parse_identity(buffer_view(&text), &loaded, err);
        if (status != ST_OK) {
            error_wrap(err, "key file %s", path);
        }
    }
    wipe_buffer(&text);
    if (status != ST_OK) {
        seal_identity_fini(&loaded);
        return status;
    }
    *identity = loaded;
    return ST_OK;
}

enum status seal_keyfile_load_role(const char *path, enum seal_role role,
                                   struct seal_identity *identity, struct error *err)
{
    struct seal_identity loaded = { 0 };
    enum status status = seal_keyfile_load(path, &loaded, err);
    if (status != ST_OK) {
        return status;
    }
    if (loaded.role != role) {
        status = error_set(err, ST_USAGE, "%s is the key of a %s; this needs the key of a %s", path,
                           seal_role_name(loaded.role), seal_role_name(role));
        seal_identity_fini(&loaded);
        return status;
    }
    *identity = loaded;
    return ST_OK;
}
