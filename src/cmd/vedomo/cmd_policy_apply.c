// vedomo policy apply, show: the bundle in force and the one that shall be.
#include <stdio.h>

#include "card_text.h"
#include "commands.h"
#include "handing.h"

#include "catalogue/diff.h"
#include "seal/hash.h"

struct options {
    bool dry_run;
};

static const struct command_option option_table[] = {
    { COMMAND_FLAG, offsetof(struct options, dry_run), "dry-run", 0, NULL,
      "Show who could see what that could not before, change nothing" },
    { .kind = COMMAND_END },
};

struct report {
    struct output *out;
    enum catalogue_language language;
    size_t wider;
};

static enum catalogue_language language_of(const struct settings *settings)
{
    return strcmp(settings->language, "ru") == 0 ? CATALOGUE_RU : CATALOGUE_EN;
}

static void report_difference(void *context, const struct catalogue_difference *difference)
{
    struct report *report = context;
    struct output *out = report->out;
    const struct catalogue_agreement *agreement = difference->agreement;
    char form[CATALOGUE_FORM_TEXT_BYTES];
    catalogue_form_format(difference->form, form);
    bool wider = difference->change == CATALOGUE_WIDER;
    report->wider += wider ? 1 : 0;
    output_object(out, NULL);
    output_text(out, "change", wider ? "wider" : "narrower");
    output_text(out, "agreement", agreement->id);
    output_text(out, "asker", agreement->asker->code);
    output_text(out, "dataset", agreement->dataset->code);
    output_text(out, "field", difference->field->name);
    output_text(out, "purpose", difference->purpose->code);
    output_text(out, "basis", catalogue_basis_name(difference->basis));
    output_text(out, "official_role", difference->role);
    output_text(out, "form", form);
    output_text(out, "limit", difference->limit);
    output_object_end(out);
    output_line(
        out, "%s %s: %s of \"%s\" (%s), %s, basis %s%s%s%s%s", wider ? "+" : "-",
        agreement->asker->title.in[report->language], difference->field->title.in[report->language],
        agreement->dataset->title.in[report->language], form[0] != '\0' ? form : "as before",
        difference->purpose->text.in[report->language], catalogue_basis_name(difference->basis),
        difference->role[0] != '\0' ? ", official role " : "", difference->role,
        difference->limit[0] != '\0' ? ", another limit: " : "", difference->limit);
}

// The bundle in force; NULL while there is none.
static enum status current_catalogue(struct link *link, struct catalogue **catalogue,
                                     struct registry_bundle_head *head, struct error *err)
{
    enum status status = link_catalogue(link, catalogue, head, err);
    if (status == ST_NOT_FOUND) {
        *catalogue = NULL;
        *head = (struct registry_bundle_head){ 0 };
        return ST_OK;
    }
    return status;
}

static enum status compare(struct command_call *call, struct link *link,
                           const struct catalogue *next, uint64_t serial, struct error *err)
{
    struct catalogue *old = NULL;
    struct registry_bundle_head head;
    enum status status = current_catalogue(link, &old, &head, err);
    if (status == ST_OK && serial <= head.serial) {
        status = error_set(err, ST_STALE,
                           "its serial %llu is not above %llu, which is in force: sign it with a "
                           "higher one",
                           (unsigned long long)serial, (unsigned long long)head.serial);
    }
    if (status != ST_OK) {
        catalogue_destroy(&old);
        return status;
    }
    struct report report = { .out = call->out, .language = language_of(call->settings) };
    output_array(call->out, "differences");
    size_t count = catalogue_diff(old, next, report_difference, &report);
    output_array_end(call->out);
    output_number(call->out, "wider", report.wider);
    output_line(call->out, "%zu differences to the bundle in force, %zu of them wider (+)", count,
                report.wider);
    catalogue_destroy(&old);
    return ST_OK;
}

// Reads the file and checks it as the broker will: files against head, head against the pins.
static enum status read_bundle(struct command_call *call, struct link *link, const char *path,
                               struct registry_file_content *file,
                               struct registry_bundle_head *head, struct catalogue **catalogue,
                               struct error *err)
{
    const struct registry_pins *pins = NULL;
    enum status status = settings_need_policy(call->settings, &pins, err);
    if (status == ST_OK) {
        status = registry_file_read(path, 1U << REGISTRY_FILE_BUNDLE, file, err);
    }
    if (status == ST_OK) {
        status = registry_bundle_head_verify(buffer_view(&file->message), link_origin(link), pins,
                                             head, err);
    }
    struct digest is = seal_sha256(buffer_view(&file->blob));
    if (status == ST_OK && !digest_equal(&is, &head->hash)) {
        status =
            error_set(err, ST_UNPROVEN, "%s: the packed files are not those of the head", path);
    }
    if (status == ST_OK) {
        status = catalogue_load(buffer_view(&file->blob), &head->hash, catalogue, err);
    }
    return status;
}

static enum status run_apply(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct link *link = NULL;
    struct registry_file_content file = { 0 };
    struct registry_bundle_head head;
    struct catalogue *next = NULL;
    enum status status = link_open(call->settings, &link, err);
    if (status == ST_OK) {
        status = read_bundle(call, link, call->arguments[0], &file, &head, &next, err);
    }
    if (status == ST_OK) {
        bundle_head_show(call->out, &head);
        if (options->dry_run) {
            status = compare(call, link, next, head.serial, err);
        }
    }
    if (status == ST_OK) {
        status = handing_blob(link, buffer_view(&file.blob), &head.hash, err);
    }
    if (status == ST_OK) {
        status = handing_in(link, WIRE_CONTROL_BUNDLE, buffer_view(&file.message), options->dry_run,
                            call->out, err);
    }
    if (status == ST_OK) {
        output_line(call->out, "%s",
                    options->dry_run ? "the broker would take it; nothing was changed"
                                     : "in force");
    }
    catalogue_destroy(&next);
    registry_file_fini(&file);
    link_close(&link);
    return status;
}

static void show_agreement(struct output *out, const struct catalogue_agreement *agreement)
{
    output_object(out, NULL);
    output_text(out, "id", agreement->id);
    output_text(out, "asker", agreement->asker->code);
    output_text(out, "dataset", agreement->dataset->code);
    output_object_end(out);
    output_line(out, "  %-24s %-28s asks for %s", agreement->id, agreement->asker->code,
                agreement->dataset->code);
}

static enum status run_show(struct command_call *call, struct error *err)
{
    struct link *link = NULL;
    struct catalogue *catalogue = NULL;
    struct registry_bundle_head head;
    enum status status = link_open(call->settings, &link, err);
    if (status == ST_OK) {
        status = link_catalogue(link, &catalogue, &head, err);
    }
    if (status == ST_OK) {
        size_t count = 0;
        bundle_head_show(call->out, &head);
        const struct catalogue_agreement *agreements = catalogue_agreements(catalogue, &count);
        output_line(call->out, "%zu agreements:", count);
        output_array(call->out, "agreements");
        for (size_t i = 0; i < count; i++) {
            show_agreement(call->out, &agreements[i]);
        }
        output_array_end(call->out);
    }
    catalogue_destroy(&catalogue);
    link_close(&link);
    return status;
}

const struct command cmd_policy_apply = {
    .words = "policy apply",
    .arguments = "FILE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Hand in a signed policy bundle, as an operator",
    .common = COMMAND_CONNECTS | COMMAND_SPEAKS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run_apply,
};

const struct command cmd_policy_show = {
    .words = "policy show",
    .help = "Show the policy bundle in force",
    .common = COMMAND_CONNECTS,
    .run = run_show,
};
