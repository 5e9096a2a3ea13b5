// Frames: the library's messages under our name.
#include "bus/frame.h"

#include <assert.h>

#include <zmq.h>

#include "bus/handle.h"

static_assert(sizeof(zmq_msg_t) == BUS_FRAME_STORAGE, "a frame holds the library's message");
static_assert(alignof(zmq_msg_t) <= alignof(struct bus_frame), "and is aligned like it");

// libzmq takes what comes in into buffers of this size. Larger frames get memory of their own, and
// the smallest stand in the frame itself.
enum { RECEIVE_BUFFER_BYTES = 8192, INSIDE_BYTES = 33 };

static zmq_msg_t *inside(const struct bus_frame *frame)
{
    // The library's readers take no const pointers.
    return (zmq_msg_t *)(uintptr_t)frame->storage;
}

void bus_frame_init(struct bus_frame *frame)
{
    zmq_msg_init(inside(frame));
}

void bus_frame_fini(struct bus_frame *frame)
{
    zmq_msg_close(inside(frame));
    zmq_msg_init(inside(frame));
}

enum status bus_frame_make(struct bus_frame *frame, size_t size, uint8_t **data, struct error *err)
{
    if (zmq_msg_init_size(inside(frame), size) != 0) {
        zmq_msg_init(inside(frame));
        return error_set(err, ST_NOMEM, "no memory for a frame of %zu bytes", size);
    }
    *data = zmq_msg_data(inside(frame));
    return ST_OK;
}

enum status bus_frame_copy(struct bus_frame *frame, struct bytes bytes, struct error *err)
{
    uint8_t *data = NULL;
    enum status status = bus_frame_make(frame, bytes.size, &data, err);
    if (status == ST_OK && bytes.size > 0) {
        memcpy(data, bytes.data, bytes.size);
    }
    return status;
}

void bus_frame_move(struct bus_frame *to, struct bus_frame *from)
{
    int rc = zmq_msg_move(inside(to), inside(from));
    assert(rc == 0);
    (void)rc;
}

void bus_frame_keep(struct bus_frame *to, struct bus_frame *from)
{
    struct error ignored;
    struct bus_frame copy;
    size_t size = zmq_msg_size(inside(from));
    bus_frame_move(to, from);
    // Without memory for less, the buffer is kept after all.
    if (size > INSIDE_BYTES && size < RECEIVE_BUFFER_BYTES &&
        bus_frame_copy(&copy, bus_frame_view(to), &ignored) == ST_OK) {
        bus_frame_move(to, &copy);
    }
}

void bus_frame_share(struct bus_frame *to, struct bus_frame *from)
{
    int rc = zmq_msg_copy(inside(to), inside(from));
    assert(rc == 0);
    (void)rc;
}

struct bytes bus_frame_view(const struct bus_frame *frame)
{
    return bytes_of(zmq_msg_data(inside(frame)), zmq_msg_size(inside(frame)));
}

void bus_message_init(struct bus_message *message)
{
    *message = (struct bus_message){ .fault = BUS_FAULT_NONE };
    bus_frame_init(&message->head);
    bus_frame_init(&message->boxes);
}

void bus_message_fini(struct bus_message *message)
{
    bus_frame_fini(&message->head);
    bus_frame_fini(&message->boxes);
}
