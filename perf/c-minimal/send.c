// SPDX-License-Identifier: Apache-2.0

// Each thread takes the next piece of the volume and runs it to completion in its own buffers:
// read, zero test, digest, LZ4, TLS.

#include <fcntl.h>
#include <lz4.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "copy.h"
#include "job.h"

typedef struct {
    uint64_t place;
    uint32_t count;
} piece;

typedef struct {
    const job *work;
    int file;
    hello greeting;
    piece *pieces;
    size_t count;
    atomic_size_t next;
} volume;

typedef struct {
    channel *wire;
    godwit_ph128 *keys;
    uint8_t *raw, *packed;
    void *lz4;
    policy rule;
} stream;

// MARK: What there is to send

static void add_piece(volume *source, uint64_t place, uint64_t count) {
    if (source->count % 1024 == 0) {
        source->pieces = realloc(source->pieces, (source->count + 1024) * sizeof(piece));
        if (source->pieces == NULL) fail("no memory");
    }
    source->pieces[source->count++] = (piece){.place = place, .count = (uint32_t)count};
}

/// Everything that is allocated, in pieces of a chunk.
static void find_pieces(volume *source) {
    off_t place = 0;
    const off_t end = (off_t)source->greeting.size;
    while (place < end && (place = lseek(source->file, place, SEEK_DATA)) >= 0) {
        const off_t hole = lseek(source->file, place, SEEK_HOLE);
        while (place < hole) {
            const off_t left = hole - place;
            const off_t count = left < chunk_bytes ? left : chunk_bytes;
            add_piece(source, (uint64_t)place, (uint64_t)count);
            place += count;
        }
    }
}

// MARK: One piece

static void read_piece(int file, const piece *part, uint8_t *bytes) {
    for (size_t done = 0; done < part->count;) {
        const ssize_t count =
            pread(file, bytes + done, part->count - done, (off_t)(part->place + done));
        if (count <= 0) fail("read");
        done += (size_t)count;
    }
    // The end of a volume may lie inside a granule.
    memset(bytes + part->count, 0, whole_granules(part->count) - part->count);
}

static bool is_zero(const uint8_t *bytes, size_t count) {
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0;
}

/// The size in `packed`; 0 where the chunk goes as it is.
static int compress(stream *own, const frame *header) {
    if (!policy_tries(&own->rule, header->place)) return 0;
    const uint64_t start = now();
    const int size = LZ4_compress_fast_extState(
        own->lz4, (const char *)own->raw + payload_offset, (char *)own->packed + payload_offset,
        (int)header->raw, (int)(header->raw - header->raw / 16), 1);
    policy_tried(&own->rule, header->place, header->raw, size > 0, now() - start);
    return size;
}

static void send_piece(const volume *source, const piece *part, stream *own) {
    uint8_t *const bytes = own->raw + payload_offset;
    read_piece(source->file, part, bytes);
    frame header = {.place = part->place, .raw = (uint32_t)whole_granules(part->count)};
    if (is_zero(bytes, header.raw)) return;
    digest_leaves(own->keys, bytes, header.raw, header.digests);
    const int packed = compress(own, &header);
    header.wire = packed > 0 ? (uint32_t)packed : header.raw;
    uint8_t *const start =
        (packed > 0 ? own->packed : own->raw) + payload_offset - sizeof header;
    memcpy(start, &header, sizeof header);
    const uint64_t blocked = own->wire->blocked;
    channel_write(own->wire, start, sizeof header + header.wire);
    policy_sent(&own->rule, header.raw, own->wire->blocked - blocked);
}

// MARK: A stream

static void *send_stream(void *argument) {
    volume *source = argument;
    stream own = {
        .wire = channel_connect(source->work->port, source->work->context),
        .keys = godwit_ph128_create(source->greeting.key, godwit_ph128_best()),
        .raw = aligned_memory(payload_offset + chunk_bytes),
        .packed = aligned_memory(payload_offset + chunk_bytes),
        .lz4 = malloc((size_t)LZ4_sizeofState()),
    };
    if (own.keys == NULL || own.lz4 == NULL) fail("no memory");
    policy_start(&own.rule, source->work->codec);
    channel_write(own.wire, &source->greeting, sizeof source->greeting);
    for (;;) {
        const size_t index = atomic_fetch_add(&source->next, 1);
        if (index >= source->count) break;
        send_piece(source, &source->pieces[index], &own);
    }
    const frame last = {.raw = 0};
    channel_write(own.wire, &last, sizeof last);
    channel_flush(own.wire);
    // It comes when everything, also that of the other streams, is durable.
    uint8_t answer;
    channel_read(own.wire, &answer, 1);
    channel_close(own.wire);
    godwit_ph128_destroy(own.keys);
    free(own.raw);
    free(own.packed);
    free(own.lz4);
    return NULL;
}

void copy_send(const job *work) {
    volume source = {.work = work, .file = open(work->path, O_RDONLY | O_CLOEXEC)};
    if (source.file < 0) fail("open the volume");
    source.greeting.size = (uint64_t)lseek(source.file, 0, SEEK_END);
    if (getrandom(source.greeting.key, sizeof source.greeting.key, 0)
        != sizeof source.greeting.key) {
        fail("getrandom");
    }
    find_pieces(&source);
    on_each_stream(work, send_stream, &source);
    free(source.pieces);
    close(source.file);
}
