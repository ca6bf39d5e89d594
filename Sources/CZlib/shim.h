// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <zlib.h>

// deflateInit2 and inflateInit2 are macros, which Swift does not import. Negative window bits mean
// raw deflate: no header and no Adler-32, since the frame carries its own checksum.
static inline int godwit_deflate_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
}

static inline int godwit_inflate_init(z_stream *stream) {
    return inflateInit2(stream, -15);
}
