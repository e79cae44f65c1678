// SPDX-License-Identifier: Apache-2.0
#include "arch/executor_memory.hpp"

#include <algorithm>

namespace memwall {

std::int64_t ExecutorMemory::fillings_of(Place place) const {
    const auto found = std::find_if(
        buffered_.begin(), buffered_.end(),
        [&](const BufferedMemory& buffered) { return buffered.memory == place.memory; });
    return found != buffered_.end() ? found->fillings : 0;
}

std::int64_t* ExecutorMemory::find(Place place, TensorId tensor, std::int64_t position,
                                   const Doing& doing) {
    const auto found = fillings_.find({place, stored_.storage(tensor)});
    if (found == fillings_.end()) {
        return nullptr;
    }
    const auto word = static_cast<std::size_t>(position);
    for (Filling& filling : found->second) {
        const bool of_round = filling.by.round == doing.round || filling.by.round < 0;
        if (of_round && filling.words.known[word]) {
            return &filling.words.values[word];
        }
    }
    return nullptr;
}

ExecutorMemory::Filling& ExecutorMemory::filling_for(Place place, TensorId tensor,
                                                     const Doing& doing) {
    const std::int64_t fillings = fillings_of(place);
    std::deque<Filling>& all = fillings_[{place, stored_.storage(tensor)}];
    const auto same = std::find_if(all.begin(), all.end(), [&](const Filling& filling) {
        if (fillings > 0 && doing.filling < 0) {
            return filling.by.step == doing.step;
        }
        return filling.by.round == doing.round &&
               (fillings == 0 ||
                (filling.by.buffer == doing.buffer && filling.by.filling == doing.filling));
    });
    if (same != all.end()) {
        return *same;
    }
    all.push_front({doing, Words(stored_.count(tensor))});
    const auto of_buffer = [&](const Filling& filling) {
        return filling.by.buffer == doing.buffer;
    };
    if (fillings > 0 && std::count_if(all.begin(), all.end(), of_buffer) > fillings) {
        const auto oldest = std::find_if(all.rbegin(), all.rend(), of_buffer);
        all.erase(std::next(oldest).base());
    }
    return all.front();
}

void ExecutorMemory::write(Place place, TensorId tensor, std::int64_t position, std::int64_t value,
                           const Doing& doing) {
    Filling& filling = filling_for(place, tensor, doing);
    filling.words.known[static_cast<std::size_t>(position)] = true;
    filling.words.values[static_cast<std::size_t>(position)] = value;
}

void ExecutorMemory::put(Place place, TensorId tensor, Words words, std::int64_t round) {
    filling_for(place, tensor, {round, -1, 0}).words = std::move(words);
}

}  // namespace memwall
