// What the functions of Vedomo's public interface return. The answer "no" is not among them.
#ifndef VEDOMO_STATUS_H
#define VEDOMO_STATUS_H

enum vedomo_status {
    VEDOMO_OK = 0,
    VEDOMO_USAGE,       // the caller's words are off
    VEDOMO_MALFORMED,   // outside bytes that do not parse or break a rule of their format
    VEDOMO_UNSUPPORTED, // well-formed, but of a version, type or kind that is not known
    VEDOMO_NOT_FOUND,   // no such thing
    VEDOMO_EXISTS,      // there is one already
    VEDOMO_DENIED,      // not allowed to this caller
    VEDOMO_BUSY,        // a bounded place is full; the same call may go through later
    VEDOMO_STALE,       // decided from a version that has been replaced meanwhile
    VEDOMO_TIMEOUT,     // the deadline passed
    VEDOMO_CLOSED,      // the other side has gone, or is stopping
    VEDOMO_UNPROVEN,    // a signature, proof or seal does not verify
    VEDOMO_FULL,        // no space
    VEDOMO_CORRUPT,     // stored bytes are not what was stored
    VEDOMO_IO,          // the operating system or a library failed
    VEDOMO_NOMEM        // no memory
};

enum { VEDOMO_MESSAGE_BYTES = 256 };

// A failure in words. Lives on the caller's stack; always terminated.
struct vedomo_error {
    enum vedomo_status status;
    char message[VEDOMO_MESSAGE_BYTES];
};

#endif
