// SPDX-License-Identifier: Apache-2.0

// The least program that does what a full copy has to do: read, zero test, digest, LZ4, TLS, verify,
// write, fsync. It is the bar that Godwit's speed is held against (perf/README.md) and no tool: one
// volume, one fresh destination, no resuming, no proof that outlives it, and any error ends it.

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job.h"

enum { most_streams = 64 };

static const char usage[] =
    "usage: c-minimal MODE PORT STREAMS CERTIFICATE KEY AUTHORITY ...\n"
    "  send              VOLUME adaptive|lz4|none\n"
    "  receive           COPY\n"
    "  transport-send    BYTES\n"
    "  transport-receive\n"
    "Both ends get the same number of streams; the port is on the loopback interface,\n"
    "0 for a free one, of which a receiver tells.\n";

void on_each_stream(const job *work, void *(*body)(void *), void *argument) {
    pthread_t threads[most_streams];
    for (unsigned index = 0; index < work->streams; index++) {
        if (pthread_create(&threads[index], NULL, body, argument) != 0) fail("pthread_create");
    }
    for (unsigned index = 0; index < work->streams; index++) pthread_join(threads[index], NULL);
}

static _Noreturn void refuse(void) {
    fputs(usage, stderr);
    exit(2);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most) {
    char *end;
    const unsigned long long value = strtoull(text, &end, 10);
    if (*text == 0 || *end != 0 || value < least || value > most) refuse();
    return value;
}

static codec_choice codec(const char *text) {
    if (strcmp(text, "adaptive") == 0) return codec_adaptive;
    if (strcmp(text, "lz4") == 0) return codec_lz4;
    if (strcmp(text, "none") == 0) return codec_none;
    refuse();
}

int main(int count, char **words) {
    if (count < 7) refuse();
    const char *mode = words[1];
    job work = {
        .port = (int)number(words[2], 0, 65535),
        .streams = (unsigned)number(words[3], 1, most_streams),
    };
    const credentials own = {.certificate = words[4], .key = words[5], .authority = words[6]};
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(mode, "send") == 0 && count == 9) {
        work.path = words[7];
        work.codec = codec(words[8]);
        work.context = tls_context(false, &own);
        copy_send(&work);
    } else if (strcmp(mode, "receive") == 0 && count == 8) {
        work.path = words[7];
        work.context = tls_context(true, &own);
        copy_receive(&work);
    } else if (strcmp(mode, "transport-send") == 0 && count == 8) {
        work.bytes = number(words[7], 1 << 20, UINT64_C(1) << 50);
        work.context = tls_context(false, &own);
        transport_send(&work);
    } else if (strcmp(mode, "transport-receive") == 0 && count == 7) {
        work.context = tls_context(true, &own);
        transport_receive(&work);
    } else {
        refuse();
    }
    SSL_CTX_free(work.context);
    return 0;
}
