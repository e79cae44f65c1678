// SPDX-License-Identifier: Apache-2.0
// Reading and writing what the system may do in several pieces.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstddef>

namespace memwall {

/// Calls `some(done, left)`, a read or a write of at most `left` bytes behind the first `done`,
/// until `size` bytes are done; again where a signal came between. False where it fails or is at
/// its end before.
template <class Some>
bool in_pieces(std::size_t size, const Some& some) {
    std::size_t done = 0;
    while (done < size) {
        const ssize_t now = some(done, size - done);
        if (now < 0 && errno == EINTR) {
            continue;
        }
        if (now <= 0) {
            return false;
        }
        done += static_cast<std::size_t>(now);
    }
    return true;
}

}  // namespace memwall
