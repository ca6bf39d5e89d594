// SPDX-License-Identifier: Apache-2.0

// Each thread receives a chunk, unpacks it, verifies its digests and begins to write it in its place;
// the next one is received meanwhile. What is not sent stays a hole.

#include <fcntl.h>
#include <lz4.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "copy.h"
#include "job.h"
#include "ring.h"

typedef struct {
    const job *work;
    int listener;
    int file;
    /// All streams have written, and all may answer.
    pthread_barrier_t together;
} copy;

typedef struct {
    channel *wire;
    godwit_ph128 *keys;
    uint64_t size;
    uint8_t *packed;
    uint8_t *slots[ring_depth];
    ring writes;
} stream;

static void check(const stream *own, const frame *header) {
    const uint64_t end = header->place + header->raw;
    if (header->raw > chunk_bytes || header->wire == 0 || header->wire > header->raw
        || header->raw % GODWIT_GRANULE_BYTES != 0 || header->place % GODWIT_GRANULE_BYTES != 0
        || end > whole_granules(own->size)) {
        fail("a frame that cannot be");
    }
}

/// Takes the payload of a frame and begins to write it.
static void take(stream *own, const frame *header) {
    check(own, header);
    const unsigned slot = ring_slot(&own->writes);
    uint8_t *const bytes = own->slots[slot];
    if (header->wire == header->raw) {
        channel_read(own->wire, bytes, header->raw);
    } else {
        channel_read(own->wire, own->packed, header->wire);
        const int count = LZ4_decompress_safe(
            (const char *)own->packed, (char *)bytes, (int)header->wire, (int)header->raw);
        if (count != (int)header->raw) fail("a chunk that is no LZ4");
    }
    godwit_digest digests[leaves_per_chunk] = {{0, 0}};
    digest_leaves(own->keys, bytes, header->raw, digests);
    if (memcmp(digests, header->digests, sizeof digests) != 0) fail("a chunk with another digest");
    ring_write(&own->writes, slot, bytes, header->raw, header->place);
}

static void begin(stream *own, const copy *target, int socket) {
    hello greeting;
    own->wire = channel_accept(socket, target->work->context);
    channel_read(own->wire, &greeting, sizeof greeting);
    own->size = greeting.size;
    own->keys = godwit_ph128_create(greeting.key, godwit_ph128_best());
    if (own->keys == NULL) fail("no keys");
    // Each stream says the same. Whole granules, as direct I/O can write no others.
    if (ftruncate(target->file, (off_t)whole_granules(own->size)) != 0) fail("ftruncate");
    own->packed = aligned_memory(chunk_bytes);
    for (int slot = 0; slot < ring_depth; slot++) own->slots[slot] = aligned_memory(chunk_bytes);
    ring_open(&own->writes, target->work->path);
    // Another way of writing is another bar: whoever reads the figures has to know.
    fprintf(stderr, "c-minimal: writes %s\n", own->writes.is_direct ? "direct" : "buffered");
}

static void *receive_stream(void *argument) {
    copy *target = argument;
    stream own;
    const int socket = accept(target->listener, NULL, NULL);
    if (socket < 0) fail("accept");
    begin(&own, target, socket);
    for (;;) {
        frame header;
        channel_read(own.wire, &header, sizeof header);
        if (header.raw == 0) break;
        take(&own, &header);
    }
    ring_drain(&own.writes);
    if (pthread_barrier_wait(&target->together) == PTHREAD_BARRIER_SERIAL_THREAD) {
        if (ftruncate(target->file, (off_t)own.size) != 0) fail("ftruncate");
        if (fsync(target->file) != 0) fail("fsync");
    }
    pthread_barrier_wait(&target->together);
    channel_write(own.wire, "", 1);
    channel_close(own.wire);
    close(own.writes.file);
    godwit_ph128_destroy(own.keys);
    free(own.packed);
    for (int slot = 0; slot < ring_depth; slot++) free(own.slots[slot]);
    return NULL;
}

void copy_receive(const job *work) {
    copy target = {
        .work = work,
        .file = open(work->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
        .listener = listen_on(work->port),
    };
    if (target.file < 0) fail("create the copy");
    pthread_barrier_init(&target.together, NULL, work->streams);
    on_each_stream(work, receive_stream, &target);
    pthread_barrier_destroy(&target.together);
    close(target.listener);
    close(target.file);
}
