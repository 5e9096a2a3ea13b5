// Frames as the library holds them, so that a frame that came in goes on (or waits) without being
// copied. A frame belongs to one thread at a time and may be handed from thread to thread.
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#include <stdalign.h>

enum { BUS_FRAME_STORAGE = 64, BUS_ROUTE_BYTES = 5 };

// One frame, in the caller's storage. Zeroed storage is not a frame: start with bus_frame_init(),
// and never copy the struct: use bus_frame_move() or bus_frame_share().
struct bus_frame {
    alignas(void *) uint8_t storage[BUS_FRAME_STORAGE];
};

// An empty frame.
void bus_frame_init(struct bus_frame *frame);

// Lets go of the content and leaves an empty frame. Harmless twice.
void bus_frame_fini(struct bus_frame *frame);

// A frame with room for `size` bytes; write them through *data. `frame` is not initialised before.
NODISCARD enum status bus_frame_make(struct bus_frame *frame, size_t size, uint8_t **data,
                                     struct error *err);

// A frame with a copy of the bytes (without an allocation up to 33 bytes).
NODISCARD enum status bus_frame_copy(struct bus_frame *frame, struct bytes bytes,
                                     struct error *err);

// `to` gets the content, `from` is left empty. Both are initialised.
void bus_frame_move(struct bus_frame *to, struct bus_frame *from);

// The same for a frame that came in and may wait: as it came, a small one keeps a receive buffer of
// the transport alive that is several times as large and that nobody counts. So it is copied.
void bus_frame_keep(struct bus_frame *to, struct bus_frame *from);

// `to` views the same content, counted: nothing is copied. Neither may be written any more.
void bus_frame_share(struct bus_frame *to, struct bus_frame *from);

// Borrowed until the frame is finished, moved or sent.
struct bytes bus_frame_view(const struct bus_frame *frame);

// A peer's connection as a ROUTER names it. By value; never shown to anybody, nor logged.
struct bus_route {
    uint8_t bytes[BUS_ROUTE_BYTES];
};

static inline bool bus_route_equal(const struct bus_route *a, const struct bus_route *b)
{
    return memcmp(a->bytes, b->bytes, BUS_ROUTE_BYTES) == 0;
}

// What is wrong with a message as a whole. A faulty one has empty frames.
enum bus_fault {
    BUS_FAULT_NONE = 0,
    BUS_FAULT_FRAMES, // more or fewer than two frames behind the route
    BUS_FAULT_SIZE,   // a head or boxes larger than the socket's options allow
    BUS_FAULT_KEY     // no User-Id: no ZAP handler vouched for the connection
};

// One message that came in.
struct bus_message {
    struct bus_route route; // on a ROUTER: where it came from; zero on a DEALER
    struct digest key;      // on a ROUTER: the peer's CURVE key as ZAP admitted it
    struct bus_frame head;  // frame 1
    struct bus_frame boxes; // frame 2, often empty
    enum bus_fault fault;   // look here first
};

// Empty frames, no fault.
void bus_message_init(struct bus_message *message);
void bus_message_fini(struct bus_message *message);
