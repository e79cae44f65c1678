// SPDX-License-Identifier: Apache-2.0
#include "arch/late_steps.hpp"

#include <algorithm>

namespace memwall {
namespace {

LateCause cause_of(const Program& program, const WaitedFor& waited) {
    if (!waited.token.valid()) {
        return LateCause::unit;
    }
    const auto& rooms = program.room_tokens;
    const bool room = std::find(rooms.begin(), rooms.end(), waited.token) != rooms.end();
    return room ? LateCause::room : LateCause::data;
}

}  // namespace

const char* name(LateCause cause) {
    switch (cause) {
        case LateCause::unit:
            return "unit";
        case LateCause::data:
            return "data";
        case LateCause::room:
            return "room";
    }
    return "";
}

void LateTally::add(const Step& step, const WaitedFor& waited, Picoseconds late) {
    const LateCause cause = cause_of(program_, waited);
    LateSteps& sum = sums_[Key(step.layer, step.body->unit, cause, waited.layer, waited.unit)];
    sum.layer = step.layer;
    sum.unit = step.body->unit;
    sum.cause = cause;
    sum.of_layer = waited.layer;
    sum.of_unit = waited.unit;
    ++sum.steps;
    sum.most = std::max(sum.most, late);
    sum.sum += late;
}

std::vector<LateSteps> LateTally::sums() const {
    std::vector<LateSteps> sums;
    for (const auto& [key, sum] : sums_) {
        sums.push_back(sum);
    }
    return sums;
}

}  // namespace memwall
