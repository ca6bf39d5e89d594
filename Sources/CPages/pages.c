// SPDX-License-Identifier: Apache-2.0

#include "CPages.h"

#include <sys/mman.h>

void *godwit_pages_new(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void godwit_pages_free(void *memory, size_t size) { munmap(memory, size); }
