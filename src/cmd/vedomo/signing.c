// Signing with offline keys.
#include "signing.h"

#include "seal/batch.h"

enum status signing_key_load(const char *path, enum seal_role role, struct seal_identity *identity,
                             struct error *err)
{
    enum status status = seal_keyfile_load(path, identity, err);
    if (status != ST_OK) {
        return status;
    }
    if (identity->role != role) {
        status = error_set(err, ST_USAGE, "%s is the key of a %s; this needs the key of a %s", path,
                           seal_role_name(identity->role), seal_role_name(role));
        seal_identity_fini(identity);
    }
    return status;
}

enum status signing_add(enum registry_label label, bool fresh, struct bytes message,
                        struct bytes origin, const struct seal_identity *identity,
                        struct buffer *out, struct error *err)
{
    struct digest audience = seal_audience(origin);
    return fresh ? registry_signed_make(label, message, &audience, identity->signer, out, err)
                 : registry_signed_add(label, message, &audience, identity->signer, out, err);
}
