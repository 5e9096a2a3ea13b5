// What never stands on a command line.
#include "typed.h"

#include <stdio.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "seal/secret.h"

enum { SESSION_FILE_MAX = 256, CODE_GROUP = 5, CODE_DIGITS = 26 };

static const char session_prefix[] = "vedomo-session 1\n";

// Reads byte by byte, so that what follows the line stays for others.
static enum status read_line(size_t max_bytes, struct buffer *out, struct error *err)
{
    size_t count = 0;
    for (;;) {
        uint8_t c = 0;
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0) {
            return error_errno(err, ST_IO, "standard input");
        }
        if (got == 0 || c == '\n') {
            break;
        }
        if (++count > max_bytes) {
            return error_set(err, ST_USAGE, "standard input: a line of more than %zu bytes",
                             max_bytes);
        }
        if (c != '\r') {
            buffer_u8(out, c);
        }
    }
    if (out->size == 0) {
        return error_set(err, ST_USAGE, "nothing came on the standard input");
    }
    return buffer_ok(out, "standard input", err);
}

enum status typed_line(const char *prompt, bool hidden, size_t max_bytes, struct buffer *out,
                       struct error *err)
{
    bool person = isatty(STDIN_FILENO) == 1;
    struct termios before;
    bool silenced = false;
    if (person) {
        fprintf(stderr, "%s: ", prompt);
        fflush(stderr);
    }
    if (person && hidden && tcgetattr(STDIN_FILENO, &before) == 0) {
        struct termios silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        silenced = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    }
    enum status status = read_line(max_bytes, out, err);
    if (silenced) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fprintf(stderr, "\n");
    }
    return status;
}

enum status typed_subject(const struct settings *settings, const struct catalogue *catalogue,
                          struct buffer *out, struct error *err)
{
    const char *scheme = settings->scheme;
    if (settings->subject == NULL || strcmp(settings->subject, "-") != 0) {
        return error_set(err, ST_USAGE,
                         "an identifier never stands on a command line: give "
                         "--subject - and write it to the standard input");
    }
    if (scheme == NULL) {
        return error_set(err, ST_USAGE,
                         "give --scheme CODE, the scheme of the identifier, or a "
                         "profile with 'scheme'");
    }
    struct buffer line = buffer_init(CATALOGUE_SUBJECT_MAX * 2);
    enum status status = typed_line("identifier", false, CATALOGUE_SUBJECT_MAX, &line, err);
    if (status == ST_OK) {
        status = catalogue_subject_normalise(catalogue, bytes_text(scheme), buffer_view(&line), out,
                                             err);
    }
    if (line.data != NULL) {
        seal_wipe(line.data, line.capacity);
    }
    buffer_fini(&line);
    return status;
}

// Crockford's base 32: no I, L, O, U.
static const char code_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void typed_code_format(const struct id *code, char text[TYPED_CODE_BYTES])
{
    size_t used = 0;
    for (size_t digit = 0; digit < CODE_DIGITS; digit++) {
        unsigned value = 0;
        for (size_t bit = digit * 5; bit < digit * 5 + 5; bit++) {
            unsigned byte = bit < 128 ? code->bytes[bit / 8] : 0;
            unsigned one = byte >> (7 - bit % 8) & 1U;
            value = value << 1 | one;
        }
        if (digit > 0 && digit % CODE_GROUP == 0) {
            text[used++] = '-';
        }
        text[used++] = code_digits[value];
    }
    text[used] = '\0';
}

static int code_value(uint8_t c)
{
    if (c >= 'a' && c <= 'z') {
        c = (uint8_t)(c - 'a' + 'A');
    }
    c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
    const char *found = c == 0 ? NULL : strchr(code_digits, c);
    return found == NULL ? -1 : (int)(found - code_digits);
}

bool typed_code_parse(struct bytes text, struct id *code)
{
    struct id parsed = { { 0 } };
    size_t digit = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '-' || text.data[i] == ' ') {
            continue;
        }
        int value = code_value(text.data[i]);
        if (value < 0 || digit == CODE_DIGITS) {
            return false;
        }
        for (size_t bit = 0; bit < 5; bit++) {
            size_t at = digit * 5 + bit;
            bool one = (value >> (4 - bit) & 1) != 0;
            if (one && at >= 128) {
                return false;
            }
            if (one) {
                parsed.bytes[at / 8] |= (uint8_t)(0x80 >> (at % 8));
            }
        }
        digit++;
    }
    if (digit != CODE_DIGITS) {
        return false;
    }
    *code = parsed;
    return true;
}

enum status typed_session_save(const char *path, const struct digest *session, struct error *err)
{
    char hex[2 * DIGEST_BYTES + 1];
    char text[SESSION_FILE_MAX];
    text_hex_encode(bytes_digest(session), hex);
    int size = snprintf(text, sizeof(text), "%s%s\n", session_prefix, hex);
    enum status status = file_create(path, bytes_of(text, (size_t)size), 0600, err);
    seal_wipe(hex, sizeof(hex));
    seal_wipe(text, sizeof(text));
    return status;
}

enum status typed_session_load(const char *path, struct digest *session, struct error *err)
{
    struct stat info;
    struct buffer text = buffer_init(SESSION_FILE_MAX);
    size_t prefix = sizeof(session_prefix) - 1;
    size_t size = prefix + 2 * (size_t)DIGEST_BYTES;
    enum status status = file_read(path, SESSION_FILE_MAX, &text, err);
    if (status == ST_NOT_FOUND) {
        status = error_set(err, ST_NOT_FOUND,
                           "%s: there is no session; 'vedomo consent open' opens one, with the "
                           "code that the citizen holds",
                           path);
    }
    if (status == ST_OK && (stat(path, &info) != 0 || (info.st_mode & 077) != 0)) {
        status = error_set(err, ST_DENIED,
                           "%s: others may read it; a session is a secret (chmod "
                           "600)",
                           path);
    }
    if (status == ST_OK &&
        (text.size != size + 1 || memcmp(text.data, session_prefix, prefix) != 0 ||
         !text_hex_decode(bytes_of(text.data + prefix, 2 * (size_t)DIGEST_BYTES), session->bytes,
                          DIGEST_BYTES))) {
        status = error_set(err, ST_MALFORMED, "%s is not a session of 'vedomo consent open'", path);
    }
    if (text.data != NULL) {
        seal_wipe(text.data, text.capacity);
    }
    buffer_fini(&text);
    return status;
}
