// Verifies a receipt as an outsider would: this file, include/vedomo, and the library; strict C99.
// The receipt and the log's key are those of docs/protocol-vectors.txt, the only argument.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vedomo/verify.h"
#include "vedomo/version.h"

static char text[65536];

// The value of a line "name = value" of the file, in `value`.
static int find(FILE *file, const char *name, char *value, size_t room)
{
    size_t length = strlen(name);
    rewind(file);
    while (fgets(value, (int)room, file) != NULL) {
        if (strncmp(value, name, length) == 0 && strncmp(value + length, " = ", 3) == 0) {
            value[strcspn(value, "\n")] = '\0';
            memmove(value, value + length + 3, strlen(value + length + 3) + 1);
            return 1;
        }
    }
    fprintf(stderr, "no vector '%s'\n", name);
    return 0;
}

static size_t decode_hex(char *hex)
{
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++) {
        unsigned byte = 0;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) {
            return 0;
        }
        hex[i] = (char)byte;
    }
    return size;
}

static int check(const char *vkey, size_t size)
{
    struct vedomo_receipt *receipt = NULL;
    struct vedomo_error error;
    if (vedomo_receipt_verify(text, size, vkey, NULL, 0, &receipt, &error) != VEDOMO_OK) {
        fprintf(stderr, "the receipt does not verify: %s: %s\n", vedomo_status_name(error.status),
                error.message);
        return 1;
    }
    const struct vedomo_proven *proven = vedomo_receipt_proven(receipt);
    int good = proven->index == 3 && proven->tree_size == 5 && proven->entry_class == 1 &&
               proven->part_type == 1 && proven->part_size > 100 &&
               proven->recorded_ms == INT64_C(1767225600000);
    vedomo_receipt_destroy(&receipt);
    text[100] ^= 1;
    good = good &&
           vedomo_receipt_verify(text, size, vkey, NULL, 0, &receipt, &error) != VEDOMO_OK &&
           receipt == NULL && error.message[0] != '\0';
    printf("%s - receipts verify with the public library of interface %d alone\n",
           good ? "ok" : "not ok", VEDOMO_INTERFACE);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    char vkey[512];
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (file == NULL) {
        fprintf(stderr, "verify_alone VECTORS\n");
        return 2;
    }
    int failed = 1;
    if (find(file, "log.vkey", vkey, sizeof(vkey)) &&
        find(file, "receipt.text", text, sizeof(text))) {
        vkey[strlen(vkey) - 1] = '\0'; // the closing quote
        failed = check(vkey + 1, decode_hex(text));
    }
    fclose(file);
    return failed;
}
