// What was asked: texts copied out of the connection, so that they live as long as the request
// does, whatever becomes of the client.
#include "web/request.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void web_mailbox_release(struct web_mailbox *mailbox)
{
    if (atomic_fetch_sub(&mailbox->holders, 1) == 1) {
        queue_destroy(&mailbox->answers);
        free(mailbox);
    }
}

void web_request_release(struct web_request *request)
{
    if (atomic_fetch_sub(&request->holders, 1) != 1) {
        return;
    }
    web_response_destroy(&request->answer);
    web_response_destroy(&request->final);
    arena_destroy(&request->arena);
    buffer_fini(&request->body);
    web_mailbox_release(request->mailbox);
    free(request);
}

bool web_request_add(struct web_request *request, enum web_value_kind kind, const char *name,
                     struct bytes text)
{
    if (request->value_count == WEB_VALUES_MAX) {
        return false;
    }
    char *name_copy = arena_text(request->arena, bytes_text(name));
    char *text_copy = arena_text(request->arena, text);
    if (name_copy == NULL || text_copy == NULL) {
        return false;
    }
    request->values[request->value_count++] =
        (struct web_value){ .kind = kind, .name = name_copy, .text = text_copy };
    return true;
}

static const char *value_of(const struct web_request *request, enum web_value_kind kind,
                            const char *name, size_t at)
{
    for (size_t i = 0; i < request->value_count; i++) {
        const struct web_value *value = &request->values[i];
        if (value->kind != kind) {
            continue;
        }
        int order = kind == WEB_HEADER ? strcasecmp(value->name, name) : strcmp(value->name, name);
        if (order == 0 && at-- == 0) {
            return value->text;
        }
    }
    return NULL;
}

const char *web_request_method(const struct web_request *request)
{
    return request->method;
}

const char *web_request_path(const struct web_request *request)
{
    return request->path;
}

struct bytes web_request_body(const struct web_request *request)
{
    return buffer_view(&request->body);
}

const char *web_request_header(const struct web_request *request, const char *name)
{
    return value_of(request, WEB_HEADER, name, 0);
}

const char *web_request_query(const struct web_request *request, const char *name)
{
    return value_of(request, WEB_QUERY, name, 0);
}

const char *web_request_cookie(const struct web_request *request, const char *name)
{
    return value_of(request, WEB_COOKIE, name, 0);
}

const char *web_request_form(const struct web_request *request, const char *name, size_t at)
{
    return value_of(request, WEB_FORM, name, at);
}

const char *web_request_peer(const struct web_request *request)
{
    return request->peer;
}

void web_request_set_data(struct web_request *request, void *data)
{
    request->data = data;
}

void *web_request_data(const struct web_request *request)
{
    return request->data;
}

// Percent-decoding of one name or value; '+' is a space. False: not UTF-8 without NUL.
static bool decode_form(struct bytes text, struct buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            if (text.size - i < 3 || !text_hex_decode(bytes_of(text.data + i + 1, 2), &byte, 1)) {
                return false;
            }
            i += 2;
        }
        buffer_u8(out, byte);
    }
    return !out->failed && text_utf8_valid(buffer_view(out));
}

void web_request_add_form(struct web_request *request)
{
    static const char type[] = "application/x-www-form-urlencoded";
    const char *given = web_request_header(request, "Content-Type");
    if (given == NULL || strncasecmp(given, type, sizeof(type) - 1) != 0) {
        return;
    }
    struct bytes body = buffer_view(&request->body);
    struct buffer name = buffer_init(body.size + 1);
    struct buffer text = buffer_init(body.size + 1);
    size_t at = 0;
    while (at < body.size) {
        const uint8_t *begin = body.data + at;
        const uint8_t *end = memchr(begin, '&', body.size - at);
        size_t size = end == NULL ? body.size - at : (size_t)(end - begin);
        const uint8_t *equals = memchr(begin, '=', size);
        size_t name_size = equals == NULL ? size : (size_t)(equals - begin);
        size_t text_size = equals == NULL ? 0 : size - name_size - 1;
        if (size > 0 && decode_form(bytes_of(begin, name_size), &name) &&
            decode_form(bytes_of(equals == NULL ? begin : equals + 1, text_size), &text)) {
            buffer_u8(&name, 0);
            if (!name.failed &&
                !web_request_add(request, WEB_FORM, (const char *)name.data, buffer_view(&text))) {
                break;
            }
        }
        at += size + 1;
    }
    buffer_fini(&name);
    buffer_fini(&text);
}

// The weight of a language range that names `language` or begins with it and '-'; -1: another one.
static int range_weight(const char *range, size_t size, const char *language)
{
    size_t length = strlen(language);
    if (size < length || strncasecmp(range, language, length) != 0) {
        return -1;
    }
    const char *rest = range + length;
    const char *end = range + size;
    if (rest < end && *rest != '-' && *rest != ';' && *rest != ' ') {
        return -1;
    }
    const char *weight = memmem(rest, (size_t)(end - rest), "q=", 2);
    if (weight == NULL || end - weight < 3) {
        return 1000;
    }
    if (weight[2] == '1') {
        return 1000;
    }
    int thousandths = 0;
    int step = 100;
    for (const char *digit = weight + 4; digit < end && *digit >= '0' && *digit <= '9'; digit++) {
        thousandths += (*digit - '0') * step;
        step /= 10;
    }
    return thousandths;
}

const char *web_request_language(const struct web_request *request, const char *const *offered,
                                 size_t count)
{
    const char *accepted = web_request_header(request, "Accept-Language");
    const char *best = offered[0];
    int best_weight = 0;
    while (accepted != NULL && *accepted != '\0') {
        accepted += strspn(accepted, " \t,");
        size_t size = strcspn(accepted, ",");
        for (size_t i = 0; i < count; i++) {
            int weight = range_weight(accepted, size, offered[i]);
            if (weight > best_weight) {
                best = offered[i];
                best_weight = weight;
            }
        }
        accepted += size;
    }
    return best;
}
