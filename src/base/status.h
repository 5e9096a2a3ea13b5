// What a call that can fail returns. The answer "no" is not among them: it is an answer.
#pragma once

enum status {
    ST_OK = 0,
    ST_USAGE,       // the caller's words are off: command line, configuration
    ST_MALFORMED,   // outside bytes that do not parse or break a rule of their format
    ST_UNSUPPORTED, // well-formed, but of a version, type or kind that is not served
    ST_NOT_FOUND,   // no such thing
    ST_EXISTS,      // there is one already
    ST_DENIED,      // the peer's role or state does not allow it
    ST_BUSY,        // a bounded place is full; the same call may go through later
    ST_STALE,       // decided from a version that has been replaced meanwhile
    ST_TIMEOUT,     // the deadline passed
    ST_CLOSED,      // the other side has gone, or is stopping
    ST_UNPROVEN,    // a signature, proof or seal does not verify
    ST_FULL,        // no space: disk or map
    ST_CORRUPT,     // stored bytes are not what was stored
    ST_IO,          // the operating system or a library failed
    ST_NOMEM,       // no memory
    ST_COUNT,
};

// The status as a word, such as "not-found". Never NULL; static.
const char *status_name(enum status status);
