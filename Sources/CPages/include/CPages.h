// SPDX-License-Identifier: Apache-2.0

// Memory whose pages the kernel gives when they are first touched.
//
// malloc cannot promise that: what it had before has to be cleared, and what is cleared is resident.

#pragma once

#include <stddef.h>

/// `size` bytes, all zero, aligned to a page; NULL where there is no room for them.
void *_Nullable godwit_pages_new(size_t size);

/// Gives them back; `size` as it was asked for.
void godwit_pages_free(void *_Nonnull memory, size_t size);
