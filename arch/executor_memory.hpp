// SPDX-License-Identifier: Apache-2.0
// What lies where while a program is executed: words by place and tensor, of each round or of the
// last two fillings.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "arch/layer_arithmetic.hpp"
#include "arch/step_image.hpp"

namespace memwall {

/// Who reads or writes: a step of a round; -1 is what holds for all rounds.
struct Doing {
    std::int64_t round = 0;
    std::int64_t step = 0;
    std::size_t buffer = 0;     ///< which of several double buffers is filled
    std::int64_t filling = -1;  ///< its number in the round where several steps make it
};

/// A memory that holds the last `fillings` fillings of a tensor.
struct BufferedMemory {
    ComponentId memory;
    std::int64_t fillings = 2;
};

class ExecutorMemory {
public:
    ExecutorMemory(const StoredWords& stored, std::vector<BufferedMemory> buffered)
        : stored_(stored), buffered_(std::move(buffered)) {}

    /// The word, or nullptr where it is not there for that round.
    [[nodiscard]] std::int64_t* find(Place place, TensorId tensor, std::int64_t position,
                                     const Doing& doing);
    /// Sets a word; in a buffered memory the first word of a step, or of a numbered filling,
    /// begins a new one.
    void write(Place place, TensorId tensor, std::int64_t position, std::int64_t value,
               const Doing& doing);
    /// Puts a whole tensor at a place.
    void put(Place place, TensorId tensor, Words words, std::int64_t round);

private:
    struct Filling {
        Doing by;
        Words words;
    };
    using Key = std::pair<Place, TensorId>;

    /// How many fillings a place holds; 0: all of its round.
    [[nodiscard]] std::int64_t fillings_of(Place place) const;
    Filling& filling_for(Place place, TensorId tensor, const Doing& doing);

    const StoredWords& stored_;
    std::vector<BufferedMemory> buffered_;
    std::map<Key, std::deque<Filling>> fillings_;  ///< the newest first
};

}  // namespace memwall
