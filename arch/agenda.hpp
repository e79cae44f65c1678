// SPDX-License-Identifier: Apache-2.0
// What the agents of a program do next, in the order of time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "arch/program.hpp"
#include "base/error.hpp"

namespace memwall {

/// Some of the numbers below a limit, taken out smallest first.
class RankSet {
public:
    explicit RankSet(std::size_t limit)
        : words_(limit / kBits + 1), filled_(words_.size() / kBits + 1) {}

    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] std::size_t size() const { return count_; }
    void insert(std::size_t rank) {
        const std::size_t word = rank / kBits;
        words_[word] |= bit(rank);
        filled_[word / kBits] |= bit(word);
        ++count_;
    }
    /// Of a set that is not empty.
    std::size_t take_first() {
        std::size_t group = 0;
        while (filled_[group] == 0) {
            ++group;
        }
        const std::size_t word = group * kBits + first_bit(filled_[group]);
        const std::size_t rank = word * kBits + first_bit(words_[word]);
        words_[word] &= words_[word] - 1;
        if (words_[word] == 0) {
            filled_[group] &= filled_[group] - 1;
        }
        --count_;
        return rank;
    }
    /// Calls `visit` with each number, smallest first.
    template <typename Visit>
    void each(const Visit& visit) const {
        for (std::size_t word = 0; word < words_.size(); ++word) {
            for (std::uint64_t left = words_[word]; left != 0; left &= left - 1) {
                visit(word * kBits + first_bit(left));
            }
        }
    }

private:
    static constexpr std::size_t kBits = 64;
    static constexpr std::uint64_t bit(std::size_t number) {
        return std::uint64_t{1} << number % kBits;
    }
    static std::size_t first_bit(std::uint64_t word) {
        return static_cast<std::size_t>(std::countr_zero(word));
    }

    std::vector<std::uint64_t> words_;
    std::vector<std::uint64_t> filled_;  ///< a bit for each word that has one
    std::size_t count_ = 0;
};

/// Steps complete, agents fetch their next one and request its service. In one instant completions
/// come first, by agent and then as they were added; then what fetches, then what requests. All
/// that request by then do so before anything that comes of it. Agents come by priority, then by
/// number; each has at most one fetch or request ahead.
class Agenda {
public:
    enum class Kind : std::uint8_t { complete, fetch, request };
    struct Entry {
        Picoseconds at;
        Kind kind = Kind::fetch;
        std::size_t agent = 0;
        std::size_t flight = 0;  ///< what completes
    };

    explicit Agenda(const std::vector<Agent>& agents)
        : rank_(agents.size()),
          fetches_(agents.size()),
          requests_(agents.size()),
          requesting_(agents.size()) {
        ensure(agents.size() < kMostAgents, "agents are numbered in few bits");
        for (std::size_t a = 0; a < agents.size(); ++a) {
            agent_.push_back(a);
        }
        std::stable_sort(agent_.begin(), agent_.end(), [&](std::size_t a, std::size_t b) {
            return agents[a].priority < agents[b].priority;
        });
        for (std::size_t r = 0; r < agent_.size(); ++r) {
            rank_[agent_[r]] = r;
        }
    }

    [[nodiscard]] bool empty() const {
        return soon_.empty() && fetches_.empty() && requests_.empty() && requesting_.empty();
    }
    /// At the time of what was taken last, or later.
    void add(Picoseconds at, Kind kind, std::size_t agent, std::size_t flight = 0) {
        if (at == now_ && kind != Kind::complete) {
            (kind == Kind::fetch ? fetches_ : requests_).insert(rank_[agent]);
            return;
        }
        const auto of_kind = static_cast<std::uint64_t>(kind) << kKindShift;
        put({at, of_kind | rank_[agent] << kRankShift | serial_++, flight});
    }
    /// Of an agenda that is not empty.
    Entry take_first() {
        while (requesting_.empty()) {
            while (!soon_.empty() && soon_.back().at == now_) {
                const Entry entry = entry_of(take_soonest());
                if (entry.kind == Kind::complete) {
                    return entry;
                }
                add(now_, entry.kind, entry.agent);
            }
            if (!fetches_.empty()) {
                return {now_, Kind::fetch, agent_[fetches_.take_first()]};
            }
            if (!requests_.empty()) {
                std::swap(requests_, requesting_);
            } else {
                now_ = soon_.back().at;
            }
        }
        return {now_, Kind::request, agent_[requesting_.take_first()]};
    }

    /// How many are to request before anything else comes.
    [[nodiscard]] std::size_t requesting() const { return requesting_.size(); }

    /// All that is ahead, in its order.
    [[nodiscard]] std::vector<Entry> entries() const {
        std::vector<Later> later = later_;
        later.insert(later.end(), soon_.begin(), soon_.end());
        fetches_.each([&](std::size_t rank) { later.push_back(at_once(Kind::fetch, rank)); });
        requests_.each([&](std::size_t rank) { later.push_back(at_once(Kind::request, rank)); });
        std::sort(later.begin(), later.end(), [](const Later& a, const Later& b) { return b > a; });
        std::vector<Entry> entries;
        requesting_.each(
            [&](std::size_t rank) { entries.push_back(entry_of(at_once(Kind::request, rank))); });
        for (const Later& entry : later) {
            entries.push_back(entry_of(entry));
        }
        return entries;
    }
    /// Calls `visit` with the flight of each step that is to complete.
    template <typename Visit>
    void each_flight(const Visit& visit) const {
        for (const auto* list : {&soon_, &later_}) {
            for (const Later& entry : *list) {
                if (entry_of(entry).kind == Kind::complete) {
                    visit(entry.flight);
                }
            }
        }
    }
    /// All that is ahead, and now, come so much later.
    void put_off(Picoseconds later) {
        now_ += later;
        for (auto* list : {&soon_, &later_}) {
            for (Later& entry : *list) {
                entry.at += later;
            }
        }
    }

private:
    struct Later {
        Picoseconds at;
        std::uint64_t order;  ///< in one instant: kind, rank and serial number
        std::size_t flight;
        bool operator>(const Later& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };
    static constexpr std::size_t kSoon = 24;
    static constexpr unsigned kKindShift = 62;
    static constexpr unsigned kRankShift = 40;
    static constexpr std::uint64_t kMostAgents = std::uint64_t{1} << (kKindShift - kRankShift);

    /// Among the soonest, in order; the last of those too many goes to the heap.
    void put(const Later& entry) {
        if (!later_.empty() && entry > soon_.front()) {
            later_.push_back(entry);
            std::push_heap(later_.begin(), later_.end(), std::greater<>());
            return;
        }
        std::size_t at = soon_.size();
        soon_.push_back(entry);
        for (; at > 0 && entry > soon_[at - 1]; --at) {
            soon_[at] = soon_[at - 1];
        }
        soon_[at] = entry;
        if (soon_.size() > kSoon) {
            later_.push_back(soon_.front());
            std::push_heap(later_.begin(), later_.end(), std::greater<>());
            soon_.erase(soon_.begin());
        }
    }
    Later take_soonest() {
        const Later soonest = soon_.back();
        soon_.pop_back();
        if (soon_.empty()) {
            while (!later_.empty() && soon_.size() < kSoon / 2) {
                std::pop_heap(later_.begin(), later_.end(), std::greater<>());
                soon_.push_back(later_.back());
                later_.pop_back();
            }
            std::reverse(soon_.begin(), soon_.end());
        }
        return soonest;
    }

    [[nodiscard]] Entry entry_of(const Later& later) const {
        return {later.at, static_cast<Kind>(later.order >> kKindShift),
                agent_[(later.order >> kRankShift) % kMostAgents], later.flight};
    }
    [[nodiscard]] Later at_once(Kind kind, std::size_t rank) const {
        return {now_, static_cast<std::uint64_t>(kind) << kKindShift | rank << kRankShift, 0};
    }

    std::vector<std::size_t> rank_;   ///< by agent
    std::vector<std::size_t> agent_;  ///< by rank
    Picoseconds now_;
    RankSet fetches_, requests_;  ///< ranks of agents that do so now
    RankSet requesting_;          ///< of those that do before anything else
    std::vector<Later> soon_;     ///< the soonest of those later than now, the last one first
    std::vector<Later> later_;    ///< all others, a heap
    std::uint64_t serial_ = 0;
};

}  // namespace memwall
