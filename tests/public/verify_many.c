// Verifies many receipts as an outsider would: this file, include/vedomo, and the library; strict
// C99. `verify_many FILE`: texts, each behind a line with its size; last a line with the log's key,
// as `vedomo bench exchange --receipts FILE` writes it. Each one must verify, and must not when one
// of its bytes is another. Prints how many.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vedomo/verify.h"

enum { TEXT_MAX = 65536, SPOIL_EVERY = 50 };

static char text[TEXT_MAX];

// The log's key: the file's last line.
static int read_vkey(FILE *file, char *vkey, size_t room)
{
    long size = 0;
    size_t got = 0;
    if (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) <= 0) {
        return 0;
    }
    long from = size > (long)room - 1 ? size - (long)room + 1 : 0;
    if (fseek(file, from, SEEK_SET) != 0) {
        return 0;
    }
    got = fread(vkey, 1, room - 1, file);
    while (got > 0 && vkey[got - 1] == '\n') {
        got--;
    }
    vkey[got] = '\0';
    char *line = strrchr(vkey, '\n');
    if (line != NULL) {
        memmove(vkey, line + 1, strlen(line + 1) + 1);
    }
    rewind(file);
    return strchr(vkey, '+') != NULL;
}

// 1: it verifies.
static int verify(size_t size, const char *vkey, int say)
{
    struct vedomo_receipt *receipt = NULL;
    struct vedomo_error error;
    enum vedomo_status status = vedomo_receipt_verify(text, size, vkey, NULL, 0, &receipt, &error);
    if (status != VEDOMO_OK && say) {
        fprintf(stderr, "does not verify: %s: %s\n", vedomo_status_name(status), error.message);
    }
    vedomo_receipt_destroy(&receipt);
    return status == VEDOMO_OK;
}

int main(int argc, char **argv)
{
    char vkey[1024];
    char line[1024];
    unsigned long good = 0;
    unsigned long spoiled = 0;
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (file == NULL || !read_vkey(file, vkey, sizeof(vkey))) {
        fprintf(stderr, "verify_many FILE\n");
        return 2;
    }
    while (fgets(line, sizeof(line), file) != NULL && strchr(line, '+') == NULL) {
        size_t size = strtoul(line, NULL, 10);
        if (size == 0 || size > TEXT_MAX || fread(text, 1, size, file) != size) {
            fprintf(stderr, "the file is cut behind %lu receipts\n", good);
            return 1;
        }
        if (!verify(size, vkey, 1)) {
            fprintf(stderr, "receipt %lu\n", good);
            return 1;
        }
        if (good++ % SPOIL_EVERY == 0) {
            text[(good * 7919) % size] ^= 1;
            if (verify(size, vkey, 0)) {
                fprintf(stderr, "receipt %lu verifies with another byte\n", good);
                return 1;
            }
            spoiled++;
        }
    }
    fclose(file);
    printf("%lu verified, %lu refused with one byte changed\n", good, spoiled);
    return good > 0 ? 0 : 1;
}
