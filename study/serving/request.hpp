// SPDX-License-Identifier: Apache-2.0
// A request to a language model, and when it was served.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/quantity.hpp"

namespace memwall {

/// One user's prompt and the tokens that are made for it.
struct Request {
    Picoseconds arrival;             ///< from the beginning of the run
    std::int64_t prompt = 1;         ///< tokens
    std::int64_t output_tokens = 1;  ///< the first of them comes with the end of the prompt
    int line = 0;                    ///< of the trace that it stands in; 0: it was drawn

    /// Tokens in the cache before the last step of the request, and at least its prompt.
    [[nodiscard]] std::int64_t last_context() const {
        return output_tokens > 1 ? prompt + output_tokens - 2 : prompt;
    }
};

/// What became of a request; times as in `Request`.
struct Served {
    std::size_t instance = 0;
    Picoseconds admitted;     ///< it got a place
    Picoseconds first_token;  ///< its prompt was read
    Picoseconds done;         ///< its last token came out
};

}  // namespace memwall
