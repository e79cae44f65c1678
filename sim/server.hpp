// SPDX-License-Identifier: Apache-2.0
// What serves requests in time. No server knows a kernel: whoever drives it asks for its next time
// and wakes it then.
#pragma once

#include <cstdint>
#include <vector>

#include "base/quantity.hpp"

namespace memwall {

/// A time that never comes.
inline constexpr Picoseconds kNever = Picoseconds(INT64_MAX);

/// Requests go by a tag, a small integer that the requester chose. A server reports a request when
/// its time has come and not before: what it says of the future may change with the next request,
/// what it has reported never does.
class Server {
public:
    Server() = default;
    virtual ~Server() = default;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// When it must be woken next if nothing else is asked of it; kNever while it has no work.
    [[nodiscard]] virtual Picoseconds next_time() const = 0;
    /// Brings it to `now`, at most next_time(), and appends the tags of requests that finish then.
    virtual void advance(Picoseconds now, std::vector<std::int32_t>& finished) = 0;
    /// Called when all requests of an instant are in, before next_time() is asked for.
    virtual void settle(Picoseconds /*now*/) {}
};

}  // namespace memwall
