// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "CLinuxStorage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

// The value of a call, or its negated errno.
#define RESULT(call)                                                                               \
    do {                                                                                           \
        int64_t value = (call);                                                                    \
        return value < 0 ? -errno : value;                                                         \
    } while (0)

// O_NONBLOCK: a FIFO must not block the open; it means nothing for what we accept afterwards.
int gw_open(const char *path, bool writable, bool direct, bool exclusive) {
    RESULT(open(path, (writable ? O_RDWR : O_RDONLY) | (direct ? O_DIRECT : 0)
                          | (exclusive ? O_EXCL : 0) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

int gw_create(const char *path, uint32_t mode) {
    RESULT(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode));
}

int gw_create_or_truncate(const char *path, uint32_t mode) {
    RESULT(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, mode));
}

int gw_open_or_create(const char *path, uint32_t mode) {
    RESULT(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, mode));
}

int gw_open_directory(const char *path) {
    RESULT(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int gw_close(int file) { RESULT(close(file)); }

int64_t gw_pread(int file, void *bytes, size_t count, int64_t offset) {
    RESULT(pread(file, bytes, count, offset));
}

int64_t gw_pwrite(int file, const void *bytes, size_t count, int64_t offset) {
    RESULT(pwrite(file, bytes, count, offset));
}

int gw_ftruncate(int file, int64_t size) { RESULT(ftruncate(file, size)); }

int gw_fsync(int file) { RESULT(fsync(file)); }

int gw_fdatasync(int file) { RESULT(fdatasync(file)); }

int gw_sync_file_range_write(int file, int64_t offset, int64_t count) {
    RESULT(sync_file_range(file, offset, count, SYNC_FILE_RANGE_WRITE));
}

int gw_advise_will_need(int file, int64_t offset, int64_t count) {
    return -posix_fadvise(file, offset, count, POSIX_FADV_WILLNEED);
}

int gw_punch_hole(int file, int64_t offset, int64_t count) {
    RESULT(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, count));
}

int gw_allocate_keeping_size(int file, int64_t offset, int64_t count) {
    RESULT(fallocate(file, FALLOC_FL_KEEP_SIZE, offset, count));
}

int64_t gw_seek_data(int file, int64_t offset) { RESULT(lseek(file, offset, SEEK_DATA)); }

int64_t gw_seek_hole(int file, int64_t offset) { RESULT(lseek(file, offset, SEEK_HOLE)); }

int gw_ficlone(int target, int source) { RESULT(ioctl(target, FICLONE, source)); }

int gw_fiemap(int file, struct fiemap *request) { RESULT(ioctl(file, FS_IOC_FIEMAP, request)); }

struct fiemap_extent gw_fiemap_extent(const struct fiemap *request, uint32_t index) {
    return request->fm_extents[index];
}

int gw_fstat(int file, struct gw_file_state *state) {
    struct stat all;
    if (fstat(file, &all) < 0) return -errno;
    state->device = all.st_dev;
    state->inode = all.st_ino;
    state->size = all.st_size;
    state->allocated = (uint64_t)all.st_blocks * 512;
    state->modified_seconds = all.st_mtim.tv_sec;
    state->modified_nanoseconds = all.st_mtim.tv_nsec;
    state->changed_seconds = all.st_ctim.tv_sec;
    state->changed_nanoseconds = all.st_ctim.tv_nsec;
    state->is_regular = S_ISREG(all.st_mode);
    state->is_block_device = S_ISBLK(all.st_mode);
    return 0;
}

int64_t gw_file_system_type(int file) {
    struct statfs all;
    return fstatfs(file, &all) < 0 ? -errno : (int64_t)(uint32_t)all.f_type;
}

int gw_block_size(int file, uint64_t *bytes) { RESULT(ioctl(file, BLKGETSIZE64, bytes)); }

int gw_block_sector(int file, int *bytes) { RESULT(ioctl(file, BLKSSZGET, bytes)); }

int gw_block_zero_out(int file, uint64_t offset, uint64_t count) {
    uint64_t range[2] = {offset, count};
    RESULT(ioctl(file, BLKZEROOUT, range));
}

int gw_rename(const char *from, const char *to) { RESULT(rename(from, to)); }

int gw_exchange(const char *one, const char *other) {
    RESULT(renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE));
}

int gw_link(const char *from, const char *to) { RESULT(link(from, to)); }

int gw_unlink(const char *path) { RESULT(unlink(path)); }

int gw_mkdir(const char *path, uint32_t mode) { RESULT(mkdir(path, mode)); }

int gw_lock_exclusive(int file) { RESULT(flock(file, LOCK_EX | LOCK_NB)); }

int gw_unlock(int file) { RESULT(flock(file, LOCK_UN)); }

const char *gw_error_text(int error, char *buffer, size_t count) {
    return strerror_r(error, buffer, count);
}

const char *gw_error_name(int error) {
    const char *name = strerrorname_np(error);
    return name ? name : "";
}
