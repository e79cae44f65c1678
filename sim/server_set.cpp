// SPDX-License-Identifier: Apache-2.0
#include "sim/server_set.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "sim/dram_controller.hpp"
#include "sim/simple_dram.hpp"

namespace memwall {

ServerSet::ServerSet(const Program& program, const Machine& machine)
    : fifos_(machine.components().size()),
      flows_(std::make_unique<FlowNetwork>(machine.links(), machine.clocks())) {
    for (const Unit& unit : program.units) {
        ensure(unit.component.valid() && unit.component.position() < fifos_.size(),
               "a unit is a component of the machine");
        auto& server = fifos_[unit.component.position()];
        if (!server) {
            server = std::make_unique<FifoServer>();
        }
        places_.push_back({server.get(), server->add_unit(unit.servers)});
    }
    for (const auto& server : fifos_) {
        if (server) {
            present_.push_back(server.get());
        }
    }
    for (std::size_t d = 0; d < machine.drams().size(); ++d) {
        const DramConfig& dram = machine.dram(DramId(d));
        if (dram.model == DramModel::simple) {
            built_in_.push_back(std::make_unique<SimpleDram>(dram));
        } else {
            built_in_.push_back(std::make_unique<DramController>(dram));
        }
        drams_.push_back(built_in_.back().get());
    }
}

Picoseconds ServerSet::next_time() const {
    Picoseconds next = flows_->next_time();
    for (const FifoServer* server : present_) {
        next = std::min(next, server->next_time());
    }
    for (const DramPort* dram : drams_) {
        next = std::min(next, dram->next_time());
    }
    return next;
}

void ServerSet::settle(Picoseconds now) {
    flows_->settle(now);
    for (DramPort* dram : drams_) {
        dram->settle(now);
    }
}

}  // namespace memwall
