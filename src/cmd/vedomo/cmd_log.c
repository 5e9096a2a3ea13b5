// vedomo log: what the log publishes about itself.
#include "commands.h"
#include "home_keys.h"

struct options {
    const char *home;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, home), "home", 0, "HOME", "The broker's folder" },
    { .kind = COMMAND_END },
};

// The key that signs now comes first: who wants one takes the first line.
static void show_keys(struct output *out, const struct proof_ring *ring, struct buffer *vkey)
{
    char at[OUTPUT_MOMENT_BYTES];
    for (size_t i = ring->count; i-- > 0;) {
        buffer_clear(vkey);
        proof_key_format(&ring->keys[i], vkey);
        if (i + 1 == ring->count) {
            output_bytes(out, "vkey", buffer_view(vkey));
            output_array(out, "keys");
        }
        output_object(out, NULL);
        output_bytes(out, "vkey", buffer_view(vkey));
        output_moment(out, "until", ring->until_ms[i]);
        output_object_end(out);
        output_line(out, "%.*s%s%s", (int)vkey->size, (const char *)vkey->data,
                    ring->until_ms[i] == 0 ? "" : " until ",
                    ring->until_ms[i] == 0 ? "" : output_moment_text(ring->until_ms[i], at));
    }
    output_array_end(out);
}

static enum status run_vkey(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct proof_ring ring;
    if (options->home == NULL) {
        return error_set(err, ST_USAGE, "give --home HOME, the broker's folder");
    }
    enum status status = home_keys_read(options->home, &ring, err);
    struct buffer vkey = buffer_init(1024);
    if (status == ST_OK) {
        show_keys(call->out, &ring, &vkey);
        status = buffer_ok(&vkey, "vkey", err);
    }
    buffer_fini(&vkey);
    return status;
}

const struct command cmd_log_vkey = {
    .words = "log vkey",
    .help = "Print the log's public key in the form that others pin",
    .detail = "While a new key takes over: the new one first, then the older ones with the time "
              "until which they count.",
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run_vkey,
};
