// SPDX-License-Identifier: Apache-2.0
// Two slots that are filled in turn and freed in the same order: double buffering, as tokens.
#pragma once

#include <string>

#include "arch/program_builder.hpp"

namespace memwall {

class Ring {
public:
    Ring() = default;
    Ring(ProgramBuilder& builder, const std::string& name, std::int64_t slots = 2)
        : full_(builder.token(name + " full")),
          free_(builder.room_token(name + " free")),
          slots_(slots) {}

    /// The step that fills the next slot: waits until one is free. Returns the filling's number.
    std::int64_t fill(RoundStep& step) {
        ++filled_;
        step.waits.push_back({free_, filled_ - slots_});
        step.posts.push_back({full_, 1, PostAt::end});
        return filled_;
    }
    /// As fill, where the slot is taken by one step and full at the end of a later one.
    void reserve(RoundStep& step) {
        ++filled_;
        step.waits.push_back({free_, filled_ - slots_});
    }
    void filled(RoundStep& step) const { step.posts.push_back({full_, 1, PostAt::end}); }
    [[nodiscard]] std::int64_t last() const { return filled_; }
    /// So many fillings are written down only once.
    void skip(std::int64_t fillings) { filled_ += fillings; }

    /// A step that needs filling `n`.
    void use(RoundStep& step, std::int64_t n) const { step.waits.push_back({full_, n}); }
    /// The last step that needs the oldest filling in use.
    void release(RoundStep& step) const { step.posts.push_back({free_, 1, PostAt::end}); }

private:
    TokenId full_;
    TokenId free_;
    std::int64_t slots_ = 2;
    std::int64_t filled_ = 0;
};

}  // namespace memwall
