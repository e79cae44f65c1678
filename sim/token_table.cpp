// SPDX-License-Identifier: Apache-2.0
#include "sim/token_table.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {

namespace {

/// Posts whose times are kept, a token: a schedule refers to the beginning of its own layer, never
/// far back.
constexpr std::size_t kMarks = 64;

}  // namespace

bool TokenTable::wait(const TokenWait& wait, std::int32_t waiter) {
    ensure(wait.token.valid() && wait.token.position() < tokens_.size(),
           "a step waits for a token of its program");
    Token& token = tokens_[wait.token.position()];
    if (token.count >= wait.count) {
        return true;
    }
    std::int32_t place = free_;
    if (place >= 0) {
        free_ = waiters_[static_cast<std::size_t>(place)].next;
    } else {
        place = static_cast<std::int32_t>(waiters_.size());
        waiters_.emplace_back();
    }
    waiters_[static_cast<std::size_t>(place)] = {wait.count, waiter, -1};
    if (token.waiters < 0) {
        token.waiters = place;
        awaited_ += token.expected > 0 ? 1 : 0;
    } else {
        waiters_[static_cast<std::size_t>(token.last)].next = place;
    }
    token.last = place;
    token.nearest = std::min(token.nearest, wait.count);
    return false;
}

void TokenTable::post(TokenId id, std::int64_t count, Picoseconds now,
                      std::vector<std::int32_t>& over) {
    ensure(id.valid() && id.position() < tokens_.size(), "a step posts a token of its program");
    ensure(count >= 0, "tokens only grow");
    Token& token = tokens_[id.position()];
    token.count = checked_add(token.count, count);
    remember(token, now);
    if (token.count < token.nearest) {
        return;
    }
    token.nearest = INT64_MAX;
    std::int32_t previous = -1;
    for (std::int32_t place = token.waiters; place >= 0;) {
        Waiter& waiter = waiters_[static_cast<std::size_t>(place)];
        const std::int32_t next = waiter.next;
        if (waiter.count <= token.count) {
            over.push_back(waiter.waiter);
            (previous >= 0 ? waiters_[static_cast<std::size_t>(previous)].next : token.waiters) =
                next;
            waiter.next = free_;
            free_ = place;
        } else {
            token.nearest = std::min(token.nearest, waiter.count);
            previous = place;
        }
        place = next;
    }
    token.last = previous;
    if (token.waiters < 0 && token.expected > 0) {
        --awaited_;
    }
}

void TokenTable::remember(Token& token, Picoseconds now) {
    if (token.marks.size() < kMarks) {
        token.marks.push_back({token.count, now});
        return;
    }
    token.marks[token.oldest] = {token.count, now};
    token.oldest = (token.oldest + 1) % kMarks;
    token.forgot = true;
}

Picoseconds TokenTable::reached(TokenId id, std::int64_t count) const {
    const Token& token = at(id);
    ensure(token.count >= count, "only a count that was reached has a time");
    if (count <= 0) {
        return Picoseconds(0);
    }
    for (std::size_t back = 0; back < token.marks.size(); ++back) {
        const Mark& mark = token.marks[(token.oldest + back) % token.marks.size()];
        if (mark.count >= count) {
            ensure(back > 0 || !token.forgot || mark.count == count,
                   "a schedule refers to a recent beginning");
            return mark.time;
        }
    }
    fail("a token's last post has its count");
}

void TokenTable::expect(TokenId id) {
    Token& token = tokens_[id.position()];
    if (++token.expected == 1 && token.waiters >= 0) {
        ++awaited_;
    }
}

void TokenTable::met(TokenId id) {
    Token& token = tokens_[id.position()];
    if (--token.expected == 0 && token.waiters >= 0) {
        --awaited_;
    }
}

}  // namespace memwall
