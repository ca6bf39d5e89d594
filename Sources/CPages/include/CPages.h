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

/// The same, from those that are kept where there are some of that size.
void *_Nullable godwit_pages_take(size_t size);

/// Keeps them for the next `godwit_pages_take`, with what is resident of them: `used` bytes from the start, and no
/// byte behind them was ever written. At most 64, and 16 MiB resident; what is more is given back.
///
/// The kernel takes longer to give a page than a memset to clear one that is there: a run of few bytes spent
/// 6 % of its processor time in page faults.
void godwit_pages_keep(void *_Nonnull memory, size_t size, size_t used);

/// Gives back all that is kept.
void godwit_pages_trim(void);

/// The resident bytes of what is kept.
size_t godwit_pages_kept(void);
