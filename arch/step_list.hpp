// SPDX-License-Identifier: Apache-2.0
// The steps of one agent as a program keeps them: in little room.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "arch/program_builder.hpp"
#include "base/error.hpp"

namespace memwall {

/// Steps of one agent, one behind the other. Millions of them do a few things: bodies that repeat
/// and posts that repeat are kept once.
class StepList {
public:
    [[nodiscard]] std::size_t size() const { return steps_.size(); }
    [[nodiscard]] bool empty() const { return steps_.empty(); }

    void push_back(RoundStep&& step) {
        constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
        constexpr std::size_t kMostEach = std::numeric_limits<std::uint16_t>::max();
        ensure(waits_.size() < kMost && posts_.size() < kMost && step.waits.size() <= kMostEach &&
                   step.posts.size() <= kMostEach,
               "a round has fewer waits and posts");
        if (step.first) {
            ensure(step.kept == nullptr, "what differs in the first round is a step's own");
            StepBody first = step.body;
            first.what = std::move(step.first->what);
            first.actions = std::move(step.first->actions);
            firsts_.emplace_back(steps_.size(), kept(std::move(first)));
        }
        if (step.start_at.count() >= 0) {
            starts_.resize(steps_.size());
            starts_.push_back({step.start_at, step.epoch});
        }
        const StepBody* body = step.kept != nullptr ? step.kept : kept(std::move(step.body));
        steps_.push_back({body, step.layer, static_cast<std::uint32_t>(waits_.size()),
                          kept({step.posts.data(), step.posts.size()}),
                          static_cast<std::uint16_t>(step.waits.size()),
                          static_cast<std::uint16_t>(step.posts.size())});
        waits_.insert(waits_.end(), step.waits.begin(), step.waits.end());
    }

    struct View {
        const StepBody* body;
        LayerId layer;
        std::span<const RoundWait> waits;
        std::span<const TokenPost> posts;
        Cycles start_at;
        RoundWait epoch;
    };
    [[nodiscard]] bool first_round_differs() const { return !firsts_.empty(); }
    /// What a step does in the first round.
    [[nodiscard]] const StepBody* first_body(std::size_t s) const {
        const auto found = std::lower_bound(firsts_.begin(), firsts_.end(), s,
                                            [](const std::pair<std::size_t, const StepBody*>& first,
                                               std::size_t at) { return first.first < at; });
        return found != firsts_.end() && found->first == s ? found->second : steps_[s].body;
    }
    [[nodiscard]] View operator[](std::size_t s) const {
        const Kept& step = steps_[s];
        const Start start = s < starts_.size() ? starts_[s] : Start();
        return {step.body,
                step.layer,
                std::span(waits_).subspan(step.first_wait, step.waits),
                std::span(posts_).subspan(step.first_post, step.posts),
                start.at,
                start.epoch};
    }

private:
    struct Kept {
        const StepBody* body;
        LayerId layer;
        std::uint32_t first_wait, first_post;
        std::uint16_t waits, posts;
    };
    struct Start {
        Cycles at = Cycles(-1);
        RoundWait epoch;
    };

    /// Where the posts are kept: most steps of an agent post what one of the last few did.
    std::uint32_t kept(std::span<const TokenPost> posts) {
        for (const auto& [first, size] : recent_posts_) {
            const auto known = std::span(posts_).subspan(first, size);
            if (std::equal(known.begin(), known.end(), posts.begin(), posts.end(), same_post)) {
                return first;
            }
        }
        const auto first = static_cast<std::uint32_t>(posts_.size());
        posts_.insert(posts_.end(), posts.begin(), posts.end());
        recent_posts_[next_posts_++ % recent_posts_.size()] = {first, posts.size()};
        return first;
    }
    static bool same_post(const TokenPost& a, const TokenPost& b) {
        return a.token == b.token && a.count == b.count && a.at == b.at;
    }

    /// One of the last few bodies that were new, if it is equal.
    const StepBody* kept(StepBody&& body) {
        for (const StepBody* known : recent_) {
            if (known != nullptr && *known == body) {
                return known;
            }
        }
        const StepBody* added = &bodies_.emplace_back(std::move(body));
        recent_[next_++ % recent_.size()] = added;
        return added;
    }

    std::vector<std::pair<std::size_t, const StepBody*>> firsts_;  ///< by step
    std::deque<StepBody> bodies_;
    std::array<const StepBody*, 8> recent_{};
    std::size_t next_ = 0;
    std::vector<Kept> steps_;
    std::vector<RoundWait> waits_;
    std::vector<TokenPost> posts_;
    std::array<std::pair<std::uint32_t, std::size_t>, 4> recent_posts_{};  ///< first, how many
    std::size_t next_posts_ = 0;
    std::vector<Start> starts_;  ///< up to the last step that has one
};

}  // namespace memwall
