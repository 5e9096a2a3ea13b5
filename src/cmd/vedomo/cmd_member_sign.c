// vedomo member sign: the registrar signs cards and orders, offline. A file that carries signatures
// already gets one more.
#include <stdio.h>

#include "card_text.h"
#include "commands.h"
#include "signing.h"

#include "base/clock.h"
#include "wire/wire.h"

struct options {
    const char *registrar;
    const char *out;
    uint64_t days;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, registrar), "registrar", 0, "KEYFILE",
      "The registrar's secret key" },
    { COMMAND_TEXT, offsetof(struct options, out), "output", 'o', "FILE",
      "Write here instead of over the input" },
    { COMMAND_COUNT, offsetof(struct options, days), "days", 0, "N",
      "Good for this long from now; of a card that is signed already, a new one of the same keys" },
    { .kind = COMMAND_END },
};

// What is signed, and for which log. The payload borrows from `arena` or the file.
struct subject {
    enum registry_label label;
    struct bytes payload;
    struct buffer origin;
};

static enum status read_subject(const struct registry_file_content *file, struct arena *arena,
                                struct subject *subject, struct error *err)
{
    subject->label = file->kind == REGISTRY_FILE_ORDER ? REGISTRY_ORDER : REGISTRY_CARD;
    subject->payload = buffer_view(&file->message);
    if (file->kind != REGISTRY_FILE_CARD_REQUEST) {
        enum status status =
            registry_signed_payload(buffer_view(&file->message), arena, &subject->payload, err);
        if (status != ST_OK) {
            return status;
        }
    }
    return payload_origin(subject->label, subject->payload, &subject->origin, err);
}

static enum status check_origin(const struct settings *settings, struct bytes origin,
                                struct error *err)
{
    struct bytes ours;
    struct error ignored;
    bool known = settings_need_origin(settings, &ours, &ignored) == ST_OK;
    if (known && !bytes_equal(ours, origin)) {
        return error_set(err, ST_DENIED, "it is for the log '%.*s', not for '%.*s'",
                         (int)origin.size, (const char *)origin.data, (int)ours.size,
                         (const char *)ours.data);
    }
    return ST_OK;
}

// The card with another end. Appends the new payload.
static enum status redate(const struct subject *subject, uint64_t days, struct buffer *payload,
                          struct error *err)
{
    enum { DAYS_MAX = 3660, SLACK_MS = 5 * 60 * 1000 };
    struct registry_card card;
    struct bytes origin = buffer_view(&subject->origin);
    enum status status = registry_card_decode(subject->payload, origin, &card, err);
    if (status == ST_OK && days > DAYS_MAX) {
        status = error_set(err, ST_USAGE, "--days takes at most %d", DAYS_MAX);
    }
    if (status != ST_OK) {
        return status;
    }
    uint64_t now = (uint64_t)clock_wall_ms();
    card.not_before = now - SLACK_MS;
    card.not_after = now + days * 24 * 60 * 60 * 1000;
    return registry_card_encode(&card, origin, payload, err);
}

static enum status show_subject(struct command_call *call, enum registry_label label,
                                struct bytes payload, struct bytes origin, struct error *err)
{
    output_line(call->out, "for the log %.*s", (int)origin.size, (const char *)origin.data);
    output_bytes(call->out, "origin", origin);
    if (label == REGISTRY_ORDER) {
        struct registry_order order;
        enum status status = registry_order_decode(payload, origin, &order, err);
        if (status == ST_OK) {
            order_show(call->out, &order);
        }
        return status;
    }
    struct registry_card card;
    enum status status = registry_card_decode(payload, origin, &card, err);
    if (status == ST_OK) {
        card_show(call->out, &card);
    }
    return status;
}

static enum status sign_file(struct command_call *call, const struct seal_identity *registrar,
                             const char *path, struct error *err)
{
    const struct options *options = call->options;
    struct registry_file_content file = { 0 };
    struct subject subject = { .origin = buffer_init(1024) };
    struct buffer dated = buffer_init(REGISTRY_FILE_MAX);
    struct buffer message = buffer_init(REGISTRY_FILE_MAX);
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    const char *out = options->out != NULL ? options->out : path;
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "%s", path) : ST_OK;
    if (status == ST_OK) {
        status = registry_file_read(path,
                                    1U << REGISTRY_FILE_CARD_REQUEST | 1U << REGISTRY_FILE_CARD |
                                        1U << REGISTRY_FILE_ORDER,
                                    &file, err);
    }
    bool read = status == ST_OK;
    if (read) {
        status = read_subject(&file, arena, &subject, err);
    }
    if (status == ST_OK) {
        status = check_origin(call->settings, buffer_view(&subject.origin), err);
    }
    bool fresh = file.kind == REGISTRY_FILE_CARD_REQUEST;
    if (status == ST_OK && options->days != 0) {
        status = subject.label == REGISTRY_CARD ? redate(&subject, options->days, &dated, err)
                                                : error_set(err, ST_USAGE, "--days is for cards");
        subject.payload = buffer_view(&dated);
        fresh = true; // the signatures of before are for the card of before
    }
    if (status == ST_OK) {
        status =
            show_subject(call, subject.label, subject.payload, buffer_view(&subject.origin), err);
    }
    if (status == ST_OK) {
        status =
            signing_add(subject.label, fresh, fresh ? subject.payload : buffer_view(&file.message),
                        buffer_view(&subject.origin), registrar, &message, err);
    }
    if (status == ST_OK) {
        enum registry_file kind =
            subject.label == REGISTRY_ORDER ? REGISTRY_FILE_ORDER : REGISTRY_FILE_CARD;
        status =
            signed_write(kind, buffer_view(&message), (struct bytes){ 0 }, NULL, out, true, err);
    }
    if (status == ST_OK) {
        output_text(call->out, "file", out);
        output_line(call->out, "signed: %s", out);
    }
    arena_destroy(&arena);
    buffer_fini(&message);
    buffer_fini(&dated);
    buffer_fini(&subject.origin);
    registry_file_fini(&file);
    // What cannot be read names the file already.
    return status == ST_OK || !read ? status : error_wrap(err, "%s", path);
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct seal_identity registrar = { 0 };
    if (options->registrar == NULL) {
        return error_set(err, ST_USAGE, "give --registrar KEYFILE, the registrar's secret key");
    }
    if (options->out != NULL && call->argument_count > 1) {
        return error_set(err, ST_USAGE, "--output goes with one file only");
    }
    enum status status =
        seal_keyfile_load_role(options->registrar, SEAL_ROLE_REGISTRAR, &registrar, err);
    output_array(call->out, "signed");
    for (size_t i = 0; status == ST_OK && i < call->argument_count; i++) {
        output_object(call->out, NULL);
        status = sign_file(call, &registrar, call->arguments[i], err);
        output_object_end(call->out);
    }
    output_array_end(call->out);
    seal_identity_fini(&registrar);
    return status;
}

const struct command cmd_member_sign = {
    .words = "member sign",
    .arguments = "FILE...",
    .argument_min = 1,
    .argument_max = 256,
    .help = "Sign cards and orders with the registrar's key, offline",
    .detail = "A card or order that is signed already gets one more signature; with --days a card "
              "that ends "
              "soon becomes a new one of the same keys. Read what is shown "
              "before you pass the file on.",
    .common = COMMAND_TRUSTS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
