// SPDX-License-Identifier: Apache-2.0
// The tokens of a program: counters that only grow, and who waits for them to reach what.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arch/program.hpp"

namespace memwall {

/// Waiters are small integers that the caller chose.
class TokenTable {
public:
    explicit TokenTable(std::size_t tokens) : tokens_(tokens) {}

    [[nodiscard]] std::int64_t count(TokenId token) const { return at(token).count; }
    /// True if the token has reached `wait.count`; else `waiter` stands in its list.
    bool wait(const TokenWait& wait, std::int32_t waiter);
    /// Raises a token and appends the waiters whose wait is over, once a wait.
    void post(TokenId token, std::int64_t count, Picoseconds now, std::vector<std::int32_t>& over);
    /// When the token reached `count`, which it has.
    [[nodiscard]] Picoseconds reached(TokenId token, std::int64_t count) const;

    /// Posts to come, of steps whose service has ended: a time at which a post is due matters only
    /// while somebody waits for it.
    void expect(TokenId token);
    void met(TokenId token);
    /// Whether any token is both waited for and expected.
    [[nodiscard]] bool awaited() const { return awaited_ > 0; }

private:
    struct Mark {
        std::int64_t count = 0;
        Picoseconds time;
    };
    struct Waiter {
        std::int64_t count = 0;
        std::int32_t waiter = 0;
        std::int32_t next = -1;
    };
    struct Token {
        std::int64_t count = 0;
        std::int64_t nearest = INT64_MAX;  ///< the least count that is waited for
        std::int32_t waiters = -1;         ///< head of a list in waiters_
        std::int32_t last = -1;            ///< and its tail
        std::int32_t expected = 0;
        std::vector<Mark> marks;  ///< the latest posts, oldest first up to `oldest`
        std::size_t oldest = 0;
        bool forgot = false;
    };

    [[nodiscard]] const Token& at(TokenId token) const { return tokens_[token.position()]; }
    void remember(Token& token, Picoseconds now);

    std::vector<Token> tokens_;
    std::vector<Waiter> waiters_;
    std::int32_t free_ = -1;
    std::int64_t awaited_ = 0;
};

}  // namespace memwall
