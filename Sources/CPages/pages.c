// SPDX-License-Identifier: Apache-2.0

#include "CPages.h"

#if __has_feature(address_sanitizer)

// It watches the edges of what comes from malloc, and not those of a mapping.
#include <stdlib.h>
#include <string.h>

void *godwit_pages_new(size_t size) {
    void *memory = NULL;
    if (posix_memalign(&memory, 4096, size) != 0) return NULL;
    return memset(memory, 0, size);
}

void godwit_pages_free(void *memory, size_t size) {
    (void)size;
    free(memory);
}

#else

#include <sys/mman.h>

void *godwit_pages_new(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void godwit_pages_free(void *memory, size_t size) { munmap(memory, size); }

#endif
