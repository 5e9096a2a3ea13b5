// The profile: a small YAML file with what one would type in every command. Its paths are relative
// to its own folder; the command line wins over it, option by option.
#include "settings.h"

#include <libgen.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "yaml/schema.h"

enum { PROFILE_BYTES_MAX = 64 * 1024 };

struct profile_pins {
    uint64_t threshold;
    struct yaml_list keys; // const char *
};

struct profile {
    const char *origin;
    const char *endpoint;
    const char *broker_card;
    const char *vkey;
    const char *key;
    const char *checkpoint;
    const char *scheme;
    int language; // place in `languages`
    struct profile_pins registrar;
    struct profile_pins policy;
};

static const char *const languages[] = { "locale", "ru", "en", NULL };

static const struct yaml_rule key_rule = { .kind = YAML_RULE_TEXT, .min = 1, .max = 80 };

#define PROFILE_TEXT(member, text)                                                                 \
    {                                                                                              \
        .key = #member, .kind = YAML_RULE_TEXT, .offset = offsetof(struct profile, member),        \
        .max = 4096, .preset = "", .help = (text)                                                  \
    }

static const struct yaml_rule pins_rules[] = {
    { .key = "threshold",
      .kind = YAML_RULE_NUMBER,
      .offset = offsetof(struct profile_pins, threshold),
      .min = 1,
      .max = REGISTRY_PINS_MAX,
      .preset = "1",
      .help = "how many of the keys must have signed" },
    { .key = "keys",
      .kind = YAML_RULE_LIST,
      .offset = offsetof(struct profile_pins, keys),
      .required = true,
      .min = 1,
      .max = REGISTRY_PINS_MAX,
      .of = &key_rule,
      .help = "public keys, ed25519:<base64>" },
    { .kind = YAML_RULE_END },
};

static const struct yaml_shape pins_shape = {
    .size = sizeof(struct profile_pins),
    .rules = pins_rules,
    .key_offset = YAML_NO_OFFSET,
    .line_offset = YAML_NO_OFFSET,
};

static const struct yaml_rule profile_rules[] = {
    PROFILE_TEXT(endpoint, "broker's address"),
    PROFILE_TEXT(broker_card, "file with the broker's card"),
    PROFILE_TEXT(vkey, "log's public key"),
    PROFILE_TEXT(origin, "log's origin; default: the name in the vkey"),
    PROFILE_TEXT(key, "own key file"),
    PROFILE_TEXT(checkpoint, "file for the newest verified checkpoint"),
    PROFILE_TEXT(scheme, "scheme of citizens' identifiers"),
    { .key = "language",
      .kind = YAML_RULE_CHOICE,
      .offset = offsetof(struct profile, language),
      .preset = "locale",
      .words = languages,
      .help = "language of sentences" },
    { .key = "registrar",
      .kind = YAML_RULE_RECORD,
      .offset = offsetof(struct profile, registrar),
      .shape = &pins_shape,
      .help = "pinned registrar's keys" },
    { .key = "policy",
      .kind = YAML_RULE_RECORD,
      .offset = offsetof(struct profile, policy),
      .shape = &pins_shape,
      .help = "pinned policy keys" },
    { .kind = YAML_RULE_END },
};

static const struct yaml_shape profile_shape = {
    .size = sizeof(struct profile),
    .rules = profile_rules,
    .key_offset = YAML_NO_OFFSET,
    .line_offset = YAML_NO_OFFSET,
};

// A path of the profile, from the profile's folder. NULL: nothing was said, or no memory.
static const char *profile_path(struct arena *arena, const char *profile, const char *path)
{
    if (path == NULL || path[0] == '\0') {
        return NULL;
    }
    if (path[0] == '/') {
        return path;
    }
    char folder[PATH_MAX];
    char joined[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", profile);
    int size = snprintf(joined, sizeof(joined), "%s/%s", dirname(folder), path);
    if (size < 0 || (size_t)size >= sizeof(joined)) {
        return NULL;
    }
    return arena_text(arena, bytes_text(joined));
}

static void fill_text(const char **place, const char *text)
{
    if (*place == NULL && text != NULL && text[0] != '\0') {
        *place = text;
    }
}

static enum status fill_pins(struct registry_pins *pins, const struct profile_pins *from,
                             const char *name, struct error *err)
{
    if (pins->count > 0 || from->keys.count == 0) {
        return ST_OK; // the command line has said it, or nobody has
    }
    const char *const *keys = from->keys.items;
    for (size_t i = 0; i < from->keys.count; i++) {
        enum status status = registry_pins_add(pins, bytes_text(keys[i]), err);
        if (status != ST_OK) {
            return error_wrap(err, "%s", name);
        }
    }
    if (from->threshold > pins->count) {
        return error_set(err, ST_USAGE, "%s: threshold %llu of %zu keys", name,
                         (unsigned long long)from->threshold, pins->count);
    }
    pins->threshold = (size_t)from->threshold;
    return ST_OK;
}

static enum status apply_profile(struct settings *settings, const struct profile *profile,
                                 struct arena *arena, struct error *err)
{
    fill_text(&settings->endpoint, profile->endpoint);
    fill_text(&settings->vkey, profile->vkey);
    fill_text(&settings->origin, profile->origin);
    fill_text(&settings->scheme, profile->scheme);
    fill_text(&settings->key, profile_path(arena, settings->profile, profile->key));
    fill_text(&settings->broker_card, profile_path(arena, settings->profile, profile->broker_card));
    fill_text(&settings->checkpoint, profile_path(arena, settings->profile, profile->checkpoint));
    if (profile->language != 0) {
        fill_text(&settings->language, languages[profile->language]);
    }
    enum status status =
        fill_pins(&settings->registrar, &profile->registrar, settings->profile, err);
    if (status == ST_OK) {
        status = fill_pins(&settings->policy, &profile->policy, settings->profile, err);
    }
    return status;
}

static enum status read_profile(struct settings *settings, struct error *err)
{
    struct buffer text = buffer_init(PROFILE_BYTES_MAX);
    struct yaml_tree *tree = NULL;
    struct profile profile = { 0 };
    struct arena *arena = arena_create((size_t)4 * PROFILE_BYTES_MAX);
    settings->owned = arena;
    enum status status = arena == NULL
                             ? error_set(err, ST_NOMEM, "%s", settings->profile)
                             : file_read(settings->profile, PROFILE_BYTES_MAX, &text, err);
    if (status == ST_OK) {
        status = yaml_tree_parse(buffer_view(&text), settings->profile, &tree, err);
    }
    if (status == ST_OK) {
        status = yaml_schema_read(&profile_shape, yaml_tree_root(tree), settings->profile, arena,
                                  &profile, err);
    }
    if (status == ST_OK) {
        status = apply_profile(settings, &profile, arena, err);
    }
    yaml_tree_destroy(&tree);
    buffer_fini(&text);
    return status;
}

static const char *locale_language(void)
{
    const char *locale = setlocale(LC_MESSAGES, "");
    return locale != NULL && strncmp(locale, "ru", 2) == 0 ? "ru" : "en";
}

enum status settings_complete(struct settings *settings, struct error *err)
{
    enum status status = ST_OK;
    if (settings->profile == NULL) {
        const char *named = getenv("VEDOMO_PROFILE");
        settings->profile = named != NULL && named[0] != '\0' ? named : NULL;
    }
    // Pins of the command line: all of them must have signed.
    settings->registrar.threshold = settings->registrar.count;
    settings->policy.threshold = settings->policy.count;
    if (settings->profile != NULL) {
        status = read_profile(settings, err);
    }
    if (settings->language == NULL) {
        settings->language = locale_language();
    }
    return status;
}

void settings_fini(struct settings *settings)
{
    struct arena *arena = settings->owned;
    arena_destroy(&arena);
    settings->owned = NULL;
}

enum status settings_need_origin(const struct settings *settings, struct bytes *origin,
                                 struct error *err)
{
    if (settings->origin != NULL) {
        *origin = bytes_text(settings->origin);
        return ST_OK;
    }
    if (settings->vkey != NULL) {
        *origin = bytes_of(settings->vkey, strcspn(settings->vkey, "+"));
        return ST_OK;
    }
    return error_set(err, ST_USAGE,
                     "which log? Give --origin ORIGIN, or a profile with 'vkey' or 'origin'");
}

static enum status need_text(const char *text, const char *option, const char *key,
                             const char **value, struct error *err)
{
    if (text == NULL) {
        return error_set(err, ST_USAGE, "give %s, or a profile with '%s'", option, key);
    }
    *value = text;
    return ST_OK;
}

enum status settings_need_vkey(const struct settings *settings, const char **vkey,
                               struct error *err)
{
    return need_text(settings->vkey, "--vkey VKEY", "vkey", vkey, err);
}

enum status settings_need_key(const struct settings *settings, const char **path, struct error *err)
{
    return need_text(settings->key, "--as KEYFILE", "key", path, err);
}

static enum status need_pins(const struct registry_pins *pins, const char *option, const char *key,
                             const struct registry_pins **out, struct error *err)
{
    if (pins->count == 0) {
        return error_set(err, ST_USAGE,
                         "whom to trust? Give %s ed25519:..., or a profile with '%s'", option, key);
    }
    *out = pins;
    return ST_OK;
}

enum status settings_need_registrar(const struct settings *settings,
                                    const struct registry_pins **pins, struct error *err)
{
    return need_pins(&settings->registrar, "--registrar-pin", "registrar", pins, err);
}

enum status settings_need_policy(const struct settings *settings, const struct registry_pins **pins,
                                 struct error *err)
{
    return need_pins(&settings->policy, "--policy-pin", "policy", pins, err);
}
