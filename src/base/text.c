// Text forms.
#include "base/text.h"

#include <stdio.h>

// Length of the UTF-8 character at the front of the text; 0 when it is not one.
static size_t utf8_length(const uint8_t *p, size_t left)
{
    uint8_t lead = p[0];
    if (lead == 0) {
        return 0;
    }
    if (lead < 0x80) {
        return 1;
    }
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || left < length) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (lead == 0xE0 && p[1] < 0xA0) || (lead == 0xF0 && p[1] < 0x90);
    bool outside = (lead == 0xED && p[1] > 0x9F) || (lead == 0xF4 && p[1] > 0x8F);
    return overlong || outside ? 0 : length;
}

// How many bytes from the start on are ASCII without NUL, looked at eight at a time.
static size_t plain_bytes(struct bytes text)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101);
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= text.size; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text.data + i, sizeof(word));
        // A byte from 0x80 on has its high bit set, a NUL gets it by the subtraction.
        if (((word | (word - ones)) & ones << 7) != 0) {
            break;
        }
    }
    return i;
}

bool text_utf8_valid(struct bytes text)
{
    size_t i = plain_bytes(text);
    while (i < text.size) {
        size_t length = utf8_length(text.data + i, text.size - i);
        if (length == 0) {
            return false;
        }
        i += length;
    }
    return true;
}

bool text_is_code(struct bytes text, size_t max, const char *extra)
{
    if (text.size == 0 || text.size > max) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == 0 || strchr(extra, c) == NULL)) {
            return false;
        }
    }
    return true;
}

void text_hex_encode(struct bytes bytes, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        text[2 * i] = digits[bytes.data[i] >> 4];
        text[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    text[2 * bytes.size] = '\0';
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_hex_decode(struct bytes text, uint8_t *bytes, size_t size)
{
    if (text.size != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text.data[2 * i]);
        int low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_base64_encode(struct buffer *out, struct bytes bytes)
{
    uint8_t *text = buffer_reserve(out, (bytes.size + 2) / 3 * 4);
    for (size_t i = 0; text != NULL && i < bytes.size; i += 3, text += 4) {
        size_t count = bytes.size - i < 3 ? bytes.size - i : 3;
        uint32_t bits = (uint32_t)bytes.data[i] << 16;
        bits |= count > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        bits |= count > 2 ? bytes.data[i + 2] : 0;
        for (size_t k = 0; k < 4; k++) {
            text[k] = k <= count ? (uint8_t)base64_digits[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
}

static int base64_value(uint8_t c)
{
    const char *digit = c == 0 ? NULL : strchr(base64_digits, c);
    return digit == NULL ? -1 : (int)(digit - base64_digits);
}

bool text_base64_decode(struct buffer *out, struct bytes text)
{
    if (text.size % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i += 4) {
        const uint8_t *four = text.data + i;
        size_t pad = 0;
        if (i + 4 == text.size) {
            pad = four[3] != '=' ? 0 : four[2] != '=' ? 1 : 2;
        }
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            int value = k >= 4 - pad ? 0 : base64_value(four[k]);
            if (value < 0) {
                return false;
            }
            bits = bits << 6 | (uint32_t)value;
        }
        if ((bits & ((1U << (8 * pad)) - 1)) != 0) {
            return false;
        }
        for (size_t k = 0; k < 3 - pad; k++) {
            buffer_u8(out, (uint8_t)(bits >> (16 - 8 * k)));
        }
    }
    return true;
}

void text_id_format(const struct id *id, char text[TEXT_ID_BYTES])
{
    char hex[2 * ID_BYTES + 1];
    text_hex_encode(bytes_id(id), hex);
    snprintf(text, TEXT_ID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

bool text_id_parse(struct bytes text, struct id *id)
{
    char hex[2 * ID_BYTES];
    size_t used = 0;
    if (text.size != TEXT_ID_BYTES - 1) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text.data[i] == '-')) {
            return false;
        }
        if (!dash) {
            hex[used++] = (char)text.data[i];
        }
    }
    return text_hex_decode(bytes_of(hex, used), id->bytes, ID_BYTES);
}

bool text_u64_parse(struct bytes text, uint64_t max, uint64_t *value)
{
    if (text.size == 0 || (text.size > 1 && text.data[0] == '0')) {
        return false;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (number > (max - digit) / 10 || digit > max) {
            return false;
        }
        number = number * 10 + digit;
    }
    *value = number;
    return true;
}

bool text_date_valid(struct bytes text)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (text.size != 10 || text.data[4] != '-' || text.data[7] != '-') {
        return false;
    }
    for (size_t i = 0; i < 10; i++) {
        if (i != 4 && i != 7 && (text.data[i] < '0' || text.data[i] > '9')) {
            return false;
        }
    }
    const uint8_t *d = text.data;
    unsigned year = (d[0] - 48U) * 1000 + (d[1] - 48U) * 100 + (d[2] - 48U) * 10 + (d[3] - 48U);
    unsigned month = (d[5] - 48U) * 10 + (d[6] - 48U);
    unsigned day = (d[8] - 48U) * 10 + (d[9] - 48U);
    if (year == 0 || month < 1 || month > 12 || day < 1) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

struct id id_make(int64_t wall_ms, const uint8_t random[ID_BYTES])
{
    struct id id;
    memcpy(id.bytes, random, ID_BYTES);
    for (size_t i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)((uint64_t)wall_ms >> (40 - 8 * i));
    }
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0F));
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3F));
    return id;
}

int64_t id_time_ms(const struct id *id)
{
    if (id->bytes[6] >> 4 != 7 || id->bytes[8] >> 6 != 2) {
        return -1;
    }
    int64_t value = 0;
    for (size_t i = 0; i < 6; i++) {
        value = value << 8 | id->bytes[i];
    }
    return value;
}
